// Entries that go with what they belong to: with a netns (nf_conntrack_cleanup_net), or with the device behind which they are
// masqueraded (masq_device_event, masq_inet_event in
// net/netfilter/nf_nat_masquerade.c).

import { conntrackCount } from "../netns";
import { conn, connKill, connTop } from "./conn";

/** Removes every entry of a netns. */
export function conntrackCleanup(netnsIndex: i32): void {
	for (let i = 0; conntrackCount(netnsIndex) != 0 && i < connTop(); i++) {
		if (conn(i).netns == netnsIndex && conn(i).status != 0) connKill(i, 0);
	}
}

/** Removes the entries of a netns that are masqueraded behind a device; with an address, as that address. */
export function masqueradeCleanup(netnsIndex: i32, device: i32, address: u32 = 0): void {
	if (conntrackCount(netnsIndex) == 0) return;
	for (let i = 0; i < connTop(); i++) {
		const c = conn(i);
		if (c.masqDevice != device || c.netns != netnsIndex || c.status == 0) continue;
		if (address == 0 || c.reply.dst == address) connKill(i, 0);
	}
}
