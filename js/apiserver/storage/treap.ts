// A sorted map whose versions share what they have in common: every change makes a new root and copies the path to it, so a
// snapshot is a reference. A treap (Seidel, Aragon: Randomized search trees, 1996) with the key's hash as priority: the shape
// follows from the keys alone, whatever order they came in.

export interface Node<V> {
	readonly key: string;
	readonly value: V;
	readonly priority: number;
	readonly left: Treap<V>;
	readonly right: Treap<V>;
	/** Entries in this part of the tree. */
	readonly size: number;
}

/** null: empty. */
export type Treap<V> = Node<V> | null;

export function sizeOf(tree: Treap<unknown>): number {
	return tree === null ? 0 : tree.size;
}

export function getEntry<V>(tree: Treap<V>, key: string): V | undefined {
	let node = tree;
	while (node !== null && node.key !== key) node = key < node.key ? node.left : node.right;
	return node?.value;
}

/** The tree with `key` holding `value`, whether it was there or not. */
export function withEntry<V>(tree: Treap<V>, key: string, value: V): Node<V> {
	if (tree === null) return made(key, value, priorityOf(key), null, null);
	if (key === tree.key) return made(key, value, tree.priority, tree.left, tree.right);
	if (key < tree.key) {
		const left = withEntry(tree.left, key, value);
		if (left.priority <= tree.priority) return rebuilt(tree, left, tree.right);
		return rebuilt(left, left.left, rebuilt(tree, left.right, tree.right));
	}
	const right = withEntry(tree.right, key, value);
	if (right.priority <= tree.priority) return rebuilt(tree, tree.left, right);
	return rebuilt(right, rebuilt(tree, tree.left, right.left), right.right);
}

/** The tree without `key`; the same tree where it is not there. */
export function withoutEntry<V>(tree: Treap<V>, key: string): Treap<V> {
	if (tree === null) return null;
	if (key === tree.key) return joined(tree.left, tree.right);
	if (key < tree.key) {
		const left = withoutEntry(tree.left, key);
		return left === tree.left ? tree : rebuilt(tree, left, tree.right);
	}
	const right = withoutEntry(tree.right, key);
	return right === tree.right ? tree : rebuilt(tree, tree.left, right);
}

/** Values in order of their keys, from the first key ≥ `from` on. */
export function* entriesFrom<V>(tree: Treap<V>, from = ""): Generator<Node<V>, void> {
	const waiting: Node<V>[] = [];
	let node = tree;
	while (node !== null) {
		if (node.key >= from) waiting.push(node);
		node = node.key >= from ? node.left : node.right;
	}
	for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
		yield next;
		for (node = next.right; node !== null; node = node.left) waiting.push(node);
	}
}

/** All keys in order. */
export function keysOf(tree: Treap<unknown>): string[] {
	const keys: string[] = [];
	addKeys(tree, keys);
	return keys;
}

function addKeys(tree: Treap<unknown>, keys: string[]): void {
	for (let node = tree; node !== null; node = node.right) {
		addKeys(node.left, keys);
		keys.push(node.key);
	}
}

/** How many keys are below `key`. */
export function rankOf(tree: Treap<unknown>, key: string): number {
	let rank = 0;
	let node = tree;
	while (node !== null) {
		if (key <= node.key) {
			node = node.left;
		} else {
			rank += sizeOf(node.left) + 1;
			node = node.right;
		}
	}
	return rank;
}

/** A tree of entries in order, no key twice: in one pass, where so many additions would each copy a path. */
export function treapOf<V>(entries: Iterable<readonly [key: string, value: V]>): Treap<V> {
	// Nodes on the right edge of what is built by now, from the root down; those below a new one become its left part.
	const edge: Edge<V>[] = [];
	for (const [key, value] of entries) {
		const priority = priorityOf(key);
		let left: Treap<V> = null;
		for (let last = edge.at(-1); last !== undefined && last.priority < priority; last = edge.at(-1)) {
			left = made(last.key, last.value, last.priority, last.left, left);
			edge.pop();
		}
		edge.push({ key, value, priority, left });
	}
	let right: Treap<V> = null;
	for (const { key, value, priority, left } of edge.reverse()) right = made(key, value, priority, left, right);
	return right;
}

/** A node whose right part is not known yet. */
type Edge<V> = Pick<Node<V>, "key" | "value" | "priority" | "left">;

function rebuilt<V>({ key, value, priority }: Node<V>, left: Treap<V>, right: Treap<V>): Node<V> {
	return made(key, value, priority, left, right);
}

function made<V>(key: string, value: V, priority: number, left: Treap<V>, right: Treap<V>): Node<V> {
	return { key, value, priority, left, right, size: sizeOf(left) + sizeOf(right) + 1 };
}

function joined<V>(left: Treap<V>, right: Treap<V>): Treap<V> {
	if (left === null) return right;
	if (right === null) return left;
	if (left.priority >= right.priority) return rebuilt(left, left.left, joined(left.right, right));
	return rebuilt(right, joined(left, right.left), right.right);
}

// FNV-1a, then a finaliser, so that names that differ in their last letter alone are far apart.
function priorityOf(key: string): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	// Signed: a number that V8 keeps in the node itself.
	return hash ^ (hash >>> 16);
}
