// Bob Jenkins' lookup3 over 32-bit words, as the kernel's jhash2 (include/linux/jhash.h): the choice of an address out of a
// NAT range is this hash with no secret in it, so a range maps here exactly as on Linux.

/** Hash of four words. */
export function jhash4(k0: u32, k1: u32, k2: u32, k3: u32, initial: u32): u32 {
	let a: u32 = 0xdeadbeef + (4 << 2) + initial;
	let b = a;
	let c = a;
	a += k0;
	b += k1;
	c += k2;
	a -= c;
	a ^= rotl<u32>(c, 4);
	c += b;
	b -= a;
	b ^= rotl<u32>(a, 6);
	a += c;
	c -= b;
	c ^= rotl<u32>(b, 8);
	b += a;
	a -= c;
	a ^= rotl<u32>(c, 16);
	c += b;
	b -= a;
	b ^= rotl<u32>(a, 19);
	a += c;
	c -= b;
	c ^= rotl<u32>(b, 4);
	b += a;
	a += k3;
	c ^= b;
	c -= rotl<u32>(b, 14);
	a ^= c;
	a -= rotl<u32>(c, 11);
	b ^= a;
	b -= rotl<u32>(a, 25);
	c ^= b;
	c -= rotl<u32>(b, 16);
	a ^= c;
	a -= rotl<u32>(c, 4);
	b ^= a;
	b -= rotl<u32>(a, 14);
	c ^= b;
	c -= rotl<u32>(b, 24);
	return c;
}
