// Builds the indexes of chains (`netfilter/chainindex` reads them): a hash over rules with exact conditions, columns over
// the rest. Short chains, and chains whose rules ask for no address, port or device, get none: reading them is quicker.

import { row } from "../arena";
import { columnBytes } from "../netfilter/chainindex";
import { chainRow, rulesOf } from "../netfilter/chain";
import { fieldsOf, hashOf, maskOf, sameKey, valueOf } from "./conditions";
import { hintRules } from "./hints";
import { allocate, duplicate, release } from "./indexspace";
import { leadTo, linkJumps } from "./jumps";
import * as L from "../layout";

/** So many rules have to be told apart by an index before it is worth a look. */
const TOLD_MIN: u32 = 6;
/** A set of fields that fewer rules ask for is not worth a look-up a packet: its rules are scanned. */
const SHAPE_MIN: u32 = 4;
/** Rules of one key that are linked; a search steps over those before where it begins. More are scanned. */
const LINKED_MAX: u32 = 8;
/** The link of a rule that is scanned after all: its key has enough rules, or another key has its hash. */
const UNLINKED: u32 = 0xffffffff;

// Of the chain at hand: rules by set of fields, sets that are hashed (a bit each), rules that the index tells apart, scanned
// rules that ask for each word.
const byFields: usize = memory.data(128, 16); // u32[FIELD_SETS]
let hashed: u32 = 0;
let told: u32 = 0;
const byWord: usize = memory.data(16, 16); // u32[WORD_COUNT]

/**
 * Indexes a chain whose rules are new, writes hints into them, and leads all jumps in it and to it. `like`: a chain of the same conditions, whose index
 * is copied; -1: none. False: TABLE_CHAININDEX cannot grow; then the chain is walked rule by rule.
 */
export function compileChain(chain: i32, like: i32): bool {
	dropIndex(chain);
	const indexed = like < 0 ? indexChain(chain) : copyIndex(chain, like);
	hintRules(chain);
	linkJumps(chain);
	leadTo(chain);
	return indexed;
}

/** The index of a chain that is no more is no more. */
export function dropIndex(chain: i32): void {
	const index = load<u32>(chainRow(chain), L.CHAIN_INDEX);
	if (index != 0) release(index);
	store<u32>(chainRow(chain), 0, L.CHAIN_INDEX);
}

function copyIndex(chain: i32, like: i32): bool {
	const known = load<u32>(chainRow(like), L.CHAIN_INDEX);
	if (known == 0) return true;
	const copy = duplicate(known);
	if (copy == 0) return false;
	store<u32>(at(copy), load<u32>(chainRow(chain), L.CHAIN_RULE_FIRST), L.INDEX_RULE_FIRST);
	store<u32>(chainRow(chain), copy, L.CHAIN_INDEX);
	return true;
}

function indexChain(chain: i32): bool {
	const count = load<u32>(chainRow(chain), L.CHAIN_RULE_COUNT);
	if (count < TOLD_MIN) return true;
	const rules = rulesOf(chain);
	const hash = hashRules(rules, count);
	if (hash == 0) return false;
	const scanned = surveyWords(at(hash), rules, count);
	if (told < TOLD_MIN || told < min(count >>> 1, 64)) {
		release(hash);
		return true;
	}
	const offset = addColumns(hash, rules, scanned);
	release(hash);
	if (offset == 0) return false;
	store<u32>(at(offset), load<u32>(chainRow(chain), L.CHAIN_RULE_FIRST), L.INDEX_RULE_FIRST);
	store<u32>(chainRow(chain), offset, L.CHAIN_INDEX);
	return true;
}

// The header, buckets and links, in a block of their own; 0: the table is full.
function hashRules(rules: usize, count: u32): u32 {
	const exact = survey(rules, count);
	const buckets: u32 = exact == 0 ? 1 : (<u32>1) << (32 - clz(exact * 2 - 1));
	const links = L.INDEX_BUCKETS + align(buckets * 8);
	const numbers = links + align(exact == 0 ? 0 : count * 4);
	const offset = allocate(numbers);
	if (offset == 0) return 0;
	const index = at(offset);
	store<u32>(index, count, L.INDEX_RULES);
	store<u32>(index, buckets - 1, L.INDEX_BUCKET_MASK);
	store<u32>(index, links, L.INDEX_LINKS);
	store<u32>(index, numbers, L.INDEX_NUMBERS);
	writeShapes(index);
	for (let rule: u32 = count; rule-- > 0;) if (isHashed(rules, rule)) insert(index, rules, rule);
	return offset;
}

// A block with all of `hash` and behind it the numbers and columns of `scanned` rules; 0: the table is full.
function addColumns(hash: u32, rules: usize, scanned: u32): u32 {
	const numbers = load<u32>(at(hash), L.INDEX_NUMBERS);
	const columns = numbers + align(scanned * 4);
	store<u32>(at(hash), columns, L.INDEX_COLUMN_FIRST);
	store<u32>(at(hash), scanned, L.INDEX_SCANNED);
	writeColumnOrder(at(hash));
	const offset = allocate(columns + load<u32>(at(hash), L.INDEX_COLUMNS) * <u32>columnBytes(scanned));
	if (offset == 0) return 0;
	const size = load<u32>(at(offset), L.INDEX_BYTES_LOG2);
	memory.copy(at(offset), at(hash), <usize>numbers);
	store<u32>(at(offset), size, L.INDEX_BYTES_LOG2);
	fillColumns(at(offset), rules);
	return offset;
}

// Counts rules by their fields and chooses the sets to hash; returns how many rules those have.
function survey(rules: usize, count: u32): u32 {
	memory.fill(byFields, 0, L.FIELD_SETS << 2);
	for (let i: u32 = 0; i < count; i++) add(byFields, fieldsOf(ruleAt(rules, i)));
	hashed = 0;
	let exact: u32 = 0;
	for (let shape = 0; shape < L.INDEX_SHAPE_COUNT; shape++) {
		let most = 0;
		for (let fields = 1; fields < L.FIELD_SETS; fields++) {
			const least = most == 0 ? SHAPE_MIN - 1 : counted(byFields, most);
			if (!isShape(fields) && counted(byFields, fields) > least) most = fields;
		}
		if (most == 0) break;
		hashed |= (<u32>1) << most;
		exact += counted(byFields, most);
	}
	return exact;
}

// Counts which words the scanned rules ask for, and what the index tells apart; returns how many rules are scanned.
function surveyWords(index: usize, rules: usize, count: u32): u32 {
	memory.fill(byWord, 0, L.WORD_COUNT << 2);
	told = 0;
	let scanned: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		let asked: u32 = 1;
		if (isScanned(index, rules, i)) {
			scanned++;
			asked = 0;
			for (let word = 0; word < L.WORD_COUNT; word++) {
				const mask = maskOf(ruleAt(rules, i), word);
				asked |= mask;
				if (mask != 0) add(byWord, word);
			}
		}
		if (asked != 0) told++;
	}
	return scanned;
}

function writeShapes(index: usize): void {
	let shapes: u32 = 0;
	for (let fields = 1; fields < L.FIELD_SETS; fields++) {
		if (!isShape(fields)) continue;
		store<u8>(index + <usize>shapes, <u8>fields, L.INDEX_SHAPE);
		shapes++;
	}
	store<u32>(index, shapes, L.INDEX_SHAPES);
}

// The word that most rules ask for first; one column at least.
function writeColumnOrder(index: usize): void {
	let columns = 0;
	let taken: u32 = 0;
	while (columns < L.WORD_COUNT) {
		let most = -1;
		for (let word = 0; word < L.WORD_COUNT; word++) {
			if (!(taken & ((<u32>1) << word)) && (most < 0 || counted(byWord, word) > counted(byWord, most))) most = word;
		}
		if (columns > 0 && counted(byWord, most) == 0) break;
		taken |= (<u32>1) << most;
		store<u8>(index + <usize>columns, <u8>most, L.INDEX_COLUMN);
		columns++;
	}
	store<u32>(index, columns, L.INDEX_COLUMNS);
}

// Rules come from the last to the first, so that each key's links ascend.
function insert(index: usize, rules: usize, rule: u32): void {
	const own = ruleAt(rules, rule);
	const fields = fieldsOf(own);
	const hash = hashOf(own, fields);
	const mask = load<u32>(index, L.INDEX_BUCKET_MASK);
	const link = index + <usize>load<u32>(index, L.INDEX_LINKS) + <usize>(rule << 2);
	let bucket = (<u32>hash) & mask;
	while (true) {
		const slot = index + L.INDEX_BUCKETS + <usize>(bucket << 3);
		const first = load<u32>(slot);
		if (first != 0 && load<u32>(slot, 4) != <u32>(hash >> 32)) {
			bucket = (bucket + 1) & mask;
			continue;
		}
		// A search for this key would end here whatever the key is that sits here: buckets are never emptied.
		if (first != 0 && (!sameKey(ruleAt(rules, first - 1), own, fields) || isLong(index, first))) {
			store<u32>(link, UNLINKED);
			return;
		}
		store<u32>(link, first);
		store<u32>(slot, rule + 1);
		store<u32>(slot, <u32>(hash >> 32), 4);
		return;
	}
}

// Are LINKED_MAX rules linked from `first` (its number + 1) on?
function isLong(index: usize, first: u32): bool {
	let length: u32 = 0;
	for (let rule = first; rule != 0 && length < LINKED_MAX; rule = linkOf(index, rule - 1)) length++;
	return length == LINKED_MAX;
}

// Numbers and columns of what is scanned.
function fillColumns(index: usize, rules: usize): void {
	const count = load<u32>(index, L.INDEX_RULES);
	const numbers = index + <usize>load<u32>(index, L.INDEX_NUMBERS);
	let scanned: u32 = 0;
	for (let rule: u32 = 0; rule < count; rule++) {
		if (!isScanned(index, rules, rule)) continue;
		store<u32>(numbers + <usize>(scanned << 2), rule);
		scanned++;
	}
	for (let i = scanned; i < ((scanned + 3) & ~3); i++) store<u32>(numbers + <usize>(i << 2), count);
	let column = index + <usize>load<u32>(index, L.INDEX_COLUMN_FIRST);
	for (let c: usize = 0; c < <usize>load<u32>(index, L.INDEX_COLUMNS); c++) {
		const word: u32 = load<u8>(index + c, L.INDEX_COLUMN);
		for (let i: u32 = 0; i < scanned; i++) {
			const rule = ruleAt(rules, load<u32>(numbers + <usize>(i << 2)));
			const lane = column + <usize>(((i >>> 2) << 5) + ((i & 3) << 2));
			store<u32>(lane, valueOf(rule, word));
			store<u32>(lane, maskOf(rule, word), 16);
		}
		column += columnBytes(scanned);
	}
}

function linkOf(index: usize, rule: u32): u32 {
	return load<u32>(index + <usize>load<u32>(index, L.INDEX_LINKS) + <usize>(rule << 2));
}

function isScanned(index: usize, rules: usize, rule: u32): bool {
	return !isHashed(rules, rule) || linkOf(index, rule) == UNLINKED;
}

// @ts-ignore: decorator
@inline
function at(offset: u32): usize {
	return row(L.TABLE_CHAININDEX, <i32>offset, 1);
}

// @ts-ignore: decorator
@inline
function counted(counts: usize, which: u32): u32 {
	return load<u32>(counts + <usize>(which << 2));
}

function add(counts: usize, which: u32): void {
	store<u32>(counts + <usize>(which << 2), counted(counts, which) + 1);
}

// @ts-ignore: decorator
@inline
function isShape(fields: u32): bool {
	return ((hashed >>> fields) & 1) != 0;
}

function isHashed(rules: usize, rule: u32): bool {
	return isShape(fieldsOf(ruleAt(rules, rule)));
}

// @ts-ignore: decorator
@inline
function ruleAt(rules: usize, rule: u32): usize {
	return rules + <usize>(rule * L.RULE_STRIDE);
}

// @ts-ignore: decorator
@inline
function align(bytes: u32): u32 {
	return (bytes + 15) & ~15;
}
