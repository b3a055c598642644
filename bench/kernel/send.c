// Sends TCP headers over IPv4 as fast as one CPU takes them: sendmmsg(2) on a raw socket of the namespace it is started in.
// usage: send FILE TIMES CPU. FILE: rows of 24 bytes, host order: src, dst, seq, ack (u32), sport, dport (u16), flags (u8), 3 zero.
// Prints the packets sent and the nanoseconds from the first to the last. Whatever the kernel does with a packet on its way
// through veth devices it does before sendmmsg returns, on this CPU.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, IP_BYTES = 20, TCP_BYTES = 20, BYTES = 64 };

struct row {
	uint32_t src, dst, seq, ack;
	uint16_t sport, dport;
	uint8_t flags, zero[3];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t add(const uint8_t *bytes, int count, uint32_t sum)
{
	for (int i = 0; i < count; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

// RFC 791 and RFC 9293: no options, 24 bytes of zero payload unless SYN is set.
static int write_packet(uint8_t *packet, const struct row *row)
{
	uint8_t *tcp = packet + IP_BYTES;
	int length = row->flags & 2 ? IP_BYTES + TCP_BYTES : BYTES;
	memset(packet, 0, BYTES);
	packet[0] = 0x45;
	put16(packet + 2, length);
	packet[8] = 64;
	packet[9] = IPPROTO_TCP;
	put32(packet + 12, row->src);
	put32(packet + 16, row->dst);
	put16(tcp, row->sport);
	put16(tcp + 2, row->dport);
	put32(tcp + 4, row->seq);
	put32(tcp + 8, row->ack);
	tcp[12] = TCP_BYTES / 4 << 4;
	tcp[13] = row->flags;
	put16(tcp + 14, 65535);
	uint32_t pseudo = add(packet + 12, 8, IPPROTO_TCP + length - IP_BYTES);
	put16(tcp + 16, checksum(add(tcp, length - IP_BYTES, pseudo)));
	return length;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: send FILE TIMES CPU\n");
		return 2;
	}
	FILE *file = fopen(argv[1], "rb");
	if (!file) die(argv[1]);
	fseek(file, 0, SEEK_END);
	long count = ftell(file) / sizeof(struct row);
	rewind(file);
	struct row *rows = malloc(count * sizeof *rows);
	uint8_t *packets = malloc(count * BYTES);
	struct mmsghdr *messages = calloc(count, sizeof *messages);
	struct iovec *vectors = calloc(count, sizeof *vectors);
	struct sockaddr_in *names = calloc(count, sizeof *names);
	if (!rows || !packets || !messages || !vectors || !names) die("malloc");
	if (fread(rows, sizeof *rows, count, file) != (size_t)count) die(argv[1]);
	for (long i = 0; i < count; i++) {
		vectors[i] = (struct iovec){packets + i * BYTES, write_packet(packets + i * BYTES, rows + i)};
		names[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(rows[i].dst)};
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = names + i, .msg_namelen = sizeof *names, .msg_iov = vectors + i, .msg_iovlen = 1};
	}
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[3]), &set);
	if (sched_setaffinity(0, sizeof set, &set)) die("sched_setaffinity");
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) die("socket");
	int buffer = 64 << 20;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	long sent = 0;
	for (int times = atoi(argv[2]); times > 0; times--) {
		for (long i = 0; i < count;) {
			int n = sendmmsg(fd, messages + i, count - i < BATCH ? count - i : BATCH, 0);
			if (n < 0) die("sendmmsg");
			i += n;
			sent += n;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%ld %lld\n", sent, (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec);
	return 0;
}
