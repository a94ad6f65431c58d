// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - a network card, the other half of daemon/virtio/net.c, and a host on it
 *
 * As little of a host as others need to see it: it asks DHCP for an address, says
 * whose that is when somebody asks (ARP), answers pings, and sends back what comes
 * to UDP port 7.  Once it has an address it pings its router, and `ping=` of the
 * command line, so that the console says how far the way is open.
 *
 * All of it happens in the interrupts of the two queues, a frame at a time.  An
 * answer is made in the buffer of its question and sent from a copy.  Without
 * buffers to send from, questions stay where they are until some come back: who
 * has not been served for a while, by a daemon that was replaced, has more of
 * them waiting than we have buffers.
 *
 * Next: guestos/kernel/rng.c
 */
#include "abi.h"
#include "virtio.h"

#define RECEIVE  0
#define TRANSMIT 1

#define FEATURE_MAC 5

#define HDR_BYTES   12 /* virtio's, before each frame */
#define FRAME_BYTES 1514
#define BUF_BYTES   2048
#define BUF_COUNT   16
#define ANSWERS     2 /* to one frame, at most */

#define ETH_IP  0x0800
#define ETH_ARP 0x0806

struct eth {
	u8 to[6], from[6];
	u16 type;
} __attribute__((packed));

struct arp {
	struct eth eth;
	u16 hardware, protocol;
	u8 hardware_bytes, protocol_bytes;
	u16 op;
	u8 from_mac[6];
	u32 from;
	u8 to_mac[6];
	u32 to;
} __attribute__((packed));

struct ip {
	struct eth eth;
	u8 version, tos;
	u16 bytes, id, fragment;
	u8 ttl, protocol;
	u16 sum;
	u32 from, to;
} __attribute__((packed));

struct icmp {
	struct ip ip;
	u8 type, code;
	u16 sum, id, seq;
} __attribute__((packed));

struct udp {
	struct ip ip;
	u16 from, to, bytes, sum;
} __attribute__((packed));

struct dhcp {
	struct udp udp;
	u8 op, hardware, hardware_bytes, hops;
	u32 id;
	u16 seconds, flags;
	u32 client, yours, server, relay;
	u8 mac[16], name[64], file[128];
	u32 magic;
	u8 options[312];
} __attribute__((packed));

enum {
	ICMP_REPLY = 0,
	ICMP_ASK = 8,
	PROTO_ICMP = 1,
	PROTO_UDP = 17
};
enum {
	DHCP_DISCOVER = 1,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_ACK = 5
};

struct buf {
	u8 hdr[HDR_BYTES];
	u8 frame[BUF_BYTES - HDR_BYTES];
};

static struct virtio card;
static struct virtq rx, tx;
static struct buf *free_bufs[BUF_COUNT]; /* to send from */
static u32 free_count;
static u8 mac[6];
static u32 address, router; /* as on the wire; 0: not known yet */
static u32 far; /* ping=a.b.c.d: another one to be pinged, behind it */
static int router_answers, far_answers;
static int runs;

static const u8 everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static u16 net16(u32 value)
{
	return (u16)(value >> 8 | value << 8);
}

/* RFC 1071, of words as they lie in memory. */
static u16 checksum(const void *bytes, u32 len)
{
	const u8 *at = bytes;
	u32 i, sum = 0;

	for (i = 0; i + 1 < len; i += 2)
		sum += at[i] | (u32)at[i + 1] << 8;
	if (len & 1)
		sum += at[len - 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16) ~(sum + (sum >> 16));
}

/* ---- sending ---- */

static void take_sent(void)
{
	struct buf *buf;

	while ((buf = virtq_take(&tx, NULL)) != NULL)
		free_bufs[free_count++] = buf;
}

/* If not, we hear of it when something has been sent. */
static int can_answer(void)
{
	take_sent();
	if (free_count < ANSWERS && virtq_listen(&tx))
		take_sent();
	if (free_count < ANSWERS)
		return 0;
	virtq_quiet(&tx);
	return 1;
}

static void send(const void *frame, u32 bytes)
{
	struct virtq_buf part = { .device_writes = 0 };
	struct buf *buf;

	take_sent();
	if (!free_count || bytes > FRAME_BYTES)
		return;
	buf = free_bufs[--free_count];
	memset(buf->hdr, 0, HDR_BYTES);
	memcpy(buf->frame, frame, bytes);
	part.addr = buf;
	part.bytes = HDR_BYTES + bytes;
	virtq_add(&tx, &part, 1, buf);
	virtq_kick(&tx);
}

static void fill_ip(struct ip *ip, const u8 *to_mac, u32 to, u8 protocol,
		    u32 bytes)
{
	memcpy(ip->eth.to, to_mac, 6);
	memcpy(ip->eth.from, mac, 6);
	ip->eth.type = net16(ETH_IP);
	ip->version = 0x45;
	ip->tos = 0;
	ip->bytes = net16(bytes - sizeof(ip->eth));
	ip->id = ip->fragment = 0;
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->from = address;
	ip->to = to;
	ip->sum = 0;
	ip->sum = checksum(&ip->version, sizeof(*ip) - sizeof(ip->eth));
}

/* ---- an address ---- */

static void ask_dhcp(u8 type, u32 wanted, u32 server)
{
	static struct dhcp ask; /* large for a stack; one asks at a time */
	const u8 options[] = { 53, 1, type, 50, 4 };
	u8 *at = ask.options;

	memset(&ask, 0, sizeof(ask));
	fill_ip(&ask.udp.ip, everybody, ~0U, PROTO_UDP, sizeof(ask));
	ask.udp.from = net16(68);
	ask.udp.to = net16(67);
	ask.udp.bytes = net16(sizeof(ask) - sizeof(struct ip));
	ask.op = 1;
	ask.hardware = 1;
	ask.hardware_bytes = 6;
	memcpy(&ask.id, mac + 2, 4);
	memcpy(ask.mac, mac, 6);
	ask.magic = 0x63538263;
	memcpy(at, options, wanted ? 5 : 3);
	at += wanted ? 5 : 3;
	if (wanted) {
		memcpy(at, &wanted, 4);
		memcpy(at + 4, "\66\4", 2);
		memcpy(at + 6, &server, 4);
		at += 10;
	}
	*at = 255;
	send(&ask, sizeof(ask));
}

/* Value of an option of so many bytes, or NULL. */
static const u8 *find_option(const struct dhcp *dhcp, u32 len, u8 option,
			     u8 bytes)
{
	u32 at = 0,
	    end = len - (u32)((const u8 *)dhcp->options - (const u8 *)dhcp);

	while (at + 2 <= end && dhcp->options[at] != 255) {
		const u8 *here = dhcp->options + at;

		if (*here == 0) {
			at++;
			continue;
		}
		if (at + 2 + here[1] > end)
			break;
		if (*here == option && here[1] >= bytes)
			return here + 2;
		at += 2U + here[1];
	}
	return NULL;
}

static void ask_arp(u32 whose)
{
	struct arp arp;

	memset(&arp, 0, sizeof(arp));
	memcpy(arp.eth.to, everybody, 6);
	memcpy(arp.eth.from, mac, 6);
	arp.eth.type = net16(ETH_ARP);
	arp.hardware = net16(1);
	arp.protocol = net16(ETH_IP);
	arp.hardware_bytes = 6;
	arp.protocol_bytes = 4;
	arp.op = net16(1);
	memcpy(arp.from_mac, mac, 6);
	arp.from = address;
	arp.to = whose;
	send(&arp, sizeof(arp));
}

static void on_dhcp(const struct dhcp *dhcp, u32 len)
{
	const u8 *type, *server, *gateway, *ip = (const u8 *)&dhcp->yours;
	u32 id;

	if (len < sizeof(*dhcp) - sizeof(dhcp->options) || dhcp->op != 2)
		return;
	memcpy(&id, mac + 2, 4);
	type = find_option(dhcp, len, 53, 1);
	server = find_option(dhcp, len, 54, 4);
	if (dhcp->id != id || !type || !server)
		return;
	if (*type == DHCP_OFFER && !address)
		ask_dhcp(DHCP_REQUEST, dhcp->yours, *(const u32 *)server);
	if (*type != DHCP_ACK || address)
		return;
	address = dhcp->yours;
	printk("net: address %u.%u.%u.%u\n", ip[0], ip[1], ip[2], ip[3]);
	gateway = find_option(dhcp, len, 3, 4);
	if (!gateway)
		return;
	memcpy(&router, gateway, 4);
	ask_arp(router);
}

/* ---- what others want ---- */

static void ping(const u8 *to_mac, u32 to)
{
	struct icmp ask;

	memset(&ask, 0, sizeof(ask));
	fill_ip(&ask.ip, to_mac, to, PROTO_ICMP, sizeof(ask));
	ask.type = ICMP_ASK;
	ask.id = net16(0x6c67);
	ask.sum = checksum(&ask.type, sizeof(ask) - sizeof(ask.ip));
	send(&ask, sizeof(ask));
}

static void on_arp(struct arp *arp, u32 len)
{
	if (len < sizeof(*arp) || !address || arp->to != address)
		return;
	if (arp->op == net16(2) && arp->from == router) {
		ping(arp->from_mac, router);
		if (far)
			ping(arp->from_mac, far);
		return;
	}
	if (arp->op != net16(1))
		return;
	arp->op = net16(2);
	memcpy(arp->to_mac, arp->from_mac, 6);
	arp->to = arp->from;
	memcpy(arp->from_mac, mac, 6);
	arp->from = address;
	memcpy(arp->eth.to, arp->eth.from, 6);
	memcpy(arp->eth.from, mac, 6);
	send(arp, sizeof(*arp));
}

static void say_answers(const char *what, u32 who, int *said)
{
	const u8 *ip = (const u8 *)&who;

	if (!*said)
		printk("net: %s%u.%u.%u.%u answers\n", what, ip[0], ip[1],
		       ip[2], ip[3]);
	*said = 1;
}

static void on_icmp(struct icmp *icmp, u32 len)
{
	if (len < sizeof(*icmp))
		return;
	if (icmp->type == ICMP_REPLY && icmp->ip.from == router)
		say_answers("router ", router, &router_answers);
	else if (icmp->type == ICMP_REPLY && icmp->ip.from == far)
		say_answers("", far, &far_answers);
	if (icmp->type != ICMP_ASK)
		return;
	icmp->type = ICMP_REPLY;
	icmp->sum = 0;
	icmp->sum = checksum(&icmp->type, len - sizeof(icmp->ip));
	fill_ip(&icmp->ip, icmp->ip.eth.from, icmp->ip.from, PROTO_ICMP, len);
	send(icmp, len);
}

static void on_udp(struct udp *udp, u32 len)
{
	u16 port = udp->from;

	if (len < sizeof(*udp))
		return;
	if (udp->to == net16(68) && udp->from == net16(67))
		on_dhcp((const struct dhcp *)udp, len);
	if (udp->to != net16(7) || udp->ip.to != address)
		return;
	udp->from = udp->to;
	udp->to = port;
	udp->sum = 0; /* none */
	fill_ip(&udp->ip, udp->ip.eth.from, udp->ip.from, PROTO_UDP, len);
	send(udp, len);
}

static void on_frame(u8 *frame, u32 len)
{
	struct ip *ip = (struct ip *)frame;
	u32 ip_len;

	if (len >= sizeof(struct eth) && ip->eth.type == net16(ETH_ARP)) {
		on_arp((struct arp *)frame, len);
		return;
	}
	if (len < sizeof(*ip) || ip->eth.type != net16(ETH_IP) ||
	    ip->version != 0x45 || net16(ip->fragment) & 0x3fff)
		return;
	/* Short frames are filled up, which is nobody's data. */
	ip_len = (u32)sizeof(ip->eth) + net16(ip->bytes);
	if (ip_len < sizeof(*ip) || ip_len > len)
		return;
	if (ip->protocol == PROTO_ICMP && ip->to == address)
		on_icmp((struct icmp *)frame, ip_len);
	else if (ip->protocol == PROTO_UDP)
		on_udp((struct udp *)frame, ip_len);
}

static void offer(struct buf *buf)
{
	const struct virtq_buf part = { buf, BUF_BYTES, 1 };

	virtq_add(&rx, &part, 1, buf);
}

static void receive(struct virtq *vq)
{
	struct buf *buf;
	u32 bytes;

	(void)vq;
	while (can_answer() && (buf = virtq_take(&rx, &bytes)) != NULL) {
		if (bytes > BUF_BYTES)
			panic("net: %u bytes in a buffer of %u", bytes,
			      BUF_BYTES);
		if (bytes > HDR_BYTES)
			on_frame(buf->frame, bytes - HDR_BYTES);
		offer(buf);
	}
	virtq_kick(&rx);
}

/* ---- */

static int start(void)
{
	int r = virtio_begin(&card, 1 << FEATURE_MAC);

	if (r == 0)
		r = virtio_config_get(&card, 0, mac, sizeof(mac));
	if (r == 0)
		r = virtq_init(&rx, &card, RECEIVE, receive);
	if (r == 0)
		r = virtq_init(&tx, &card, TRANSMIT, receive);
	if (r == 0)
		virtq_quiet(&tx);
	return r < 0 ? r : virtio_run(&card);
}

/* a.b.c.d, or 0 for what is none. */
static u32 parse_ip(const char *word)
{
	u8 ip[4] = { 0 };
	u32 value = 0, i = 0;

	for (; word && (*word == '.' || (*word >= '0' && *word <= '9'));
	     word++) {
		if (*word == '.' && ++i == 4)
			return 0;
		value = *word == '.' ? 0 : value * 10 + (u32)(*word - '0');
		ip[i] = (u8)value;
	}
	memcpy(&value, ip, sizeof(value));
	return i == 3 ? value : 0;
}

int net_info(struct network_info *ret_info)
{
	if (!runs)
		return -ENOENT;
	ret_info->address = address;
	ret_info->router = router;
	ret_info->router_answers = (u32)router_answers;
	return 0;
}

void net_init(void)
{
	struct buf *buf = NULL;
	u32 i;

	if (virtio_find(&card, VIRTIO_NET, 0) < 0)
		return;
	if (start() < 0) {
		printk("net: slot %u: it does not start\n", card.slot);
		return;
	}
	printk("net: slot %u\n", card.slot);
	runs = 1;
	/* A page has room for two. */
	for (i = 0; i < 2 * BUF_COUNT; i++) {
		buf = i % 2 ? buf + 1 : page_alloc();
		if (i < BUF_COUNT)
			offer(buf);
		else
			free_bufs[free_count++] = buf;
	}
	virtq_kick(&rx);
	far = parse_ip(cmdline_word("ping"));
	ask_dhcp(DHCP_DISCOVER, 0, 0);
}
