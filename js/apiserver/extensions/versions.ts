// Custom objects in the versions of their definition (k8s.io/apiextensions-apiserver/pkg/apiserver: conversion/converter.go, and in
// customresource_handler.go schemaCoercingConverter, unstructuredDefaulter): kept in one of them, read and written in any. With the
// strategy None versions differ in what their schemas know: what a schema does not know is not there. With a webhook nobody
// could say what becomes of an object in another version, because no webhook is called here: that is an error.

import type { KubernetesObject } from "../../api/meta.ts";
import type { JsonObject } from "../patch/json.ts";
import { StatusError } from "../status.ts";
import type { Custom } from "./definition.ts";
import { defaulted, pruned } from "./prune.ts";

/** Objects are frozen, so what they are in a version stays so. */
const known = new WeakMap<Custom, WeakMap<KubernetesObject, KubernetesObject>>();

/** An object as the version has it that `custom` is of. Throws StatusError 500 where a webhook would have to say. */
export function inCustomVersion(custom: Custom, object: KubernetesObject): KubernetesObject {
	let own = known.get(custom);
	if (own === undefined) {
		own = new WeakMap();
		known.set(custom, own);
	}
	let converted = own.get(object);
	if (converted === undefined) {
		converted = convertedTo(custom, custom.apiVersion, object);
		if (Object.isFrozen(object)) own.set(object, converted);
	}
	return converted;
}

/** As it is kept. Throws StatusError 500 as above. */
export function keptCustom(custom: Custom, object: KubernetesObject): KubernetesObject {
	return object.apiVersion === custom.kept ? object : convertedTo(custom, custom.kept, object);
}

function convertedTo(custom: Custom, apiVersion: string, object: KubernetesObject): KubernetesObject {
	const { schemas, converts } = custom;
	const from = object.apiVersion;
	if (from !== apiVersion && converts)
		throw new StatusError(
			500,
			"",
			`conversion webhook for ${from}, Kind=${object.kind} failed: podwire calls no webhooks: objects of ${custom.definition} are there in ${custom.kept} alone`,
		);
	const { metadata, ...rest } = object;
	const [was, is] = [schemas[from], schemas[apiVersion]];
	const filled = was === undefined ? rest : defaulted(was, rest as unknown as JsonObject);
	const kept = is === undefined ? filled : pruned(is, filled as JsonObject, []);
	return { ...(kept as unknown as KubernetesObject), apiVersion, metadata };
}
