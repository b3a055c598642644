// A program: the cluster of a file goes on as a seed says; prints what is to be seen, and what its next snapshot says.
//
//   going.ts FILE SEED

import { readFileSync } from "node:fs";
import { Cluster } from "../../js/index.ts";
import { expanded } from "./expanded.ts";
import { later } from "./history.ts";

const [file = "", seed = ""] = process.argv.slice(2);
const cluster = await Cluster.restore(new Uint8Array(readFileSync(file)));
const seen = await later(Number(seed), cluster);
process.stdout.write(`${seen}\n${await expanded(await cluster.snapshot())}`);
