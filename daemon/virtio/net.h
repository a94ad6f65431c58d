/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.h - the network device, the ports behind it, and DHCP on a port of ours
 *
 * A port is where frames come from and go to: a tap, or a program at the other
 * end of a socket.  It knows frames and no device; the device knows rings and
 * no interface.  A frame begins with a struct virtio_net_hdr_v1, always.
 */
#ifndef NET_H
#define NET_H

#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/virtio_net.h>

struct net_port;
struct virtio_dev;

#define NET_HDR_BYTES sizeof(struct virtio_net_hdr_v1)

/* What one offloaded packet can be at most: IP's 64 KiB, and what is before. */
#define NET_FRAME_MAX (65535 + 18)
#define NET_MTU_MIN   68
#define NET_MTU_MAX   65521 /* that of the largest tap */

/* ---- ports ---- */

struct net_port_ops {
	/*
	 * receive - a frame and its header, as much of it as fits
	 *
	 * Bytes; -EAGAIN: none now; another -errno: the port is gone.
	 */
	ssize_t (*receive)(struct net_port *port, const struct iovec *iov,
			   int count);

	/*
	 * send - 0, -ENOBUFS: that frame is lost; another -errno: it is gone
	 */
	int (*send)(struct net_port *port, const struct iovec *iov, int count);

	/* offload - what the driver will take: VIRTIO_NET_F_GUEST_* */
	int (*offload)(struct net_port *port, uint64_t features);
	void (*close)(struct net_port *port);
};

struct net_port {
	const struct net_port_ops *ops;
	int fd; /* readable when there is a frame, or no port any more */
	uint64_t features; /* VIRTIO_NET_F_* for offloads that it knows */
	bool tells_news; /* fd may be readable for long: only news count */
	char name[IFNAMSIZ]; /* for messages */
};

/* ---- tap.c ---- */

#define TAP_DEVICE "/dev/net/tun"

/*
 * tap_open - a new tap, which lives as long as its descriptor
 *
 * name may have a %d, for the first number that is free.  -errno: nothing is
 * left of it.
 */
int tap_open(const char *name, struct net_port **ret_port);

/* tap_adopt - fd is a tap; takes it over if it returns 0.  -EINVAL, -EBADFD */
int tap_adopt(int fd, struct net_port **ret_port);

/* ---- stream.c: a program at the other end of a socket ---- */

#define NET_STREAM_MTU_MAX 16384

/* stream_is - could fd be one? */
bool stream_is(int fd);

/*
 * stream_adopt - fd is a socket, whose other end reads and writes frames
 *
 * Takes it over if it returns 0.  -EBADFD: there is nobody at that end.
 */
int stream_adopt(int fd, const char *name, struct net_port **ret_port);

/* ---- dhcp.c: the one address that a guest may have ---- */

#define DHCP_DNS_MAX     3
#define DHCP_FRAME_BYTES 590 /* of an answer; every client can take that */

struct dhcp_lease {
	uint8_t mac[ETH_ALEN]; /* the guest's */
	uint8_t router_mac[ETH_ALEN];
	struct in_addr address, router, netmask; /* as they are on the wire */
	struct in_addr dns[DHCP_DNS_MAX];
	unsigned int dns_count;
	struct in6_addr prefix; /* of 64 bits, and none if it is zero */
	uint16_t mtu;
	char name[64]; /* of the guest */
};

/* dhcp_asks - is it for a DHCP server?  start: its first bytes, 42 will do */
bool dhcp_asks(const void *start, size_t len);

/*
 * dhcp_answer - to frame, whatever that is; its bytes in to, or 0 for none
 *
 * to has room for DHCP_FRAME_BYTES.
 */
size_t dhcp_answer(const struct dhcp_lease *lease, const void *frame,
		   size_t len, void *to);

/* ---- ra.c: and the prefix of its network ---- */

#define RA_FRAME_BYTES 118

/* ra_asks - is it for a router of IPv6?  start: its first bytes, 62 will do */
bool ra_asks(const void *start, size_t len);

/* ra_answer - its bytes in to, which has room for them, or 0 for none */
size_t ra_answer(const struct dhcp_lease *lease, void *to);

/* ---- net.c ---- */

struct net_setup {
	uint8_t mac[ETH_ALEN];
	uint16_t mtu;
	const struct dhcp_lease *lease; /* copied; NULL: we answer nobody */
};

/* net_new - "netN"; takes the port over.  NULL: no memory, and it is closed */
struct virtio_dev *net_new(unsigned int number, struct net_port *port,
			   const struct net_setup *setup);

/* net_port_fd - the port's, to be kept for a next daemon */
int net_port_fd(const struct virtio_dev *dev);

/* ---- net_header.c ---- */

/*
 * net_header_check - may a frame of so many bytes be sent with this header?
 *
 * Makes it what the port may see.  NULL, or what is wrong with it.
 */
const char *net_header_check(struct virtio_net_hdr_v1 *hdr, size_t frame_bytes,
			     uint64_t features);

/* ---- net_rx.c: buffers that the driver has given, and frames into them ---- */

struct vq;
struct net_rx;

struct net_rx *net_rx_new(void);
void net_rx_free(struct net_rx *rx);

/* net_rx_reset - it has no buffers, and none of them was ever used */
void net_rx_reset(struct net_rx *rx);

/* net_rx_start - vq is where they come from; mergeable: a frame may need many */
void net_rx_start(struct net_rx *rx, struct vq *vq, bool mergeable,
		  size_t frame_bytes);

/*
 * net_rx_receive - one frame from the port into the guest's memory
 *
 * Its bytes; 0: it was too large for what the driver gave us, and is lost;
 * -EAGAIN: there is none; -ENOBUFS: there are no buffers, and the driver will
 * kick; -EPROTO: the device has failed; another: the port is gone.
 */
ssize_t net_rx_receive(struct net_rx *rx, struct net_port *port);

/* net_rx_insert - a frame of ours, without header, is next; or it is lost */
bool net_rx_insert(struct net_rx *rx, const void *frame, size_t len);

#endif /* NET_H */
