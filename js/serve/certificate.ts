// A certificate authority for one run of the server, and the certificate that it gives the server (RFC 5280, ECDSA over P-256):
// clients trust the authority by the kubeconfig, and nobody else ever sees its key.

// What the X.509 library's dependency injection asks of the host.
import "reflect-metadata";
import {
	BasicConstraintsExtension,
	ExtendedKeyUsage,
	ExtendedKeyUsageExtension,
	KeyUsageFlags,
	KeyUsagesExtension,
	PemConverter,
	SubjectAlternativeNameExtension,
	X509CertificateGenerator,
} from "@peculiar/x509";

export interface ServerCertificate {
	/** The authority's certificate, PEM. */
	authority: string;
	/** The server's certificate and private key, PEM. */
	cert: string;
	key: string;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const DAYS = 365;

/** `addresses` and `names`: what clients may call the server by. `now`: ms since the epoch. */
export async function serverCertificate(
	addresses: readonly string[],
	names: readonly string[],
	now: number,
): Promise<ServerCertificate> {
	const authorityKeys = await crypto.subtle.generateKey(ECDSA, false, ["sign", "verify"]);
	const keys = await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
	// An hour back: clocks differ.
	const valid = { notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + DAYS * 24 * HOUR_MS) };
	const subject = "CN=podwire";
	const authority = await X509CertificateGenerator.createSelfSigned({
		...valid,
		serialNumber: serialNumber(),
		name: subject,
		keys: authorityKeys,
		signingAlgorithm: ECDSA,
		extensions: [
			new BasicConstraintsExtension(true, undefined, true),
			new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
		],
	});
	const certificate = await X509CertificateGenerator.create({
		...valid,
		serialNumber: serialNumber(),
		subject: "CN=kube-apiserver",
		issuer: subject,
		publicKey: keys.publicKey,
		signingKey: authorityKeys.privateKey,
		signingAlgorithm: ECDSA,
		extensions: [
			new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
			new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
			new SubjectAlternativeNameExtension([
				...names.map((value) => ({ type: "dns" as const, value })),
				...addresses.map((value) => ({ type: "ip" as const, value })),
			]),
		],
	});
	const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
	return {
		authority: authority.toString("pem"),
		cert: certificate.toString("pem"),
		key: PemConverter.encode(key, "PRIVATE KEY"),
	};
}

/** Positive, 16 bytes at most (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
