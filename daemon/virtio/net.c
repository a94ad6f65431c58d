// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - a guest's network device
 *
 * Two queues of frames and one of requests, with a port at the other end.  What
 * the guest sends is read by the port where it is, in guest memory; only what is
 * decided by is copied out first: the header, and as much of the frame as tells
 * whether it asks for an address or a router, which we answer ourselves.
 *
 * What is received waits in the port until the driver has buffers for it.  While
 * it has none we do not even look, and the port's own queue fills and overflows,
 * as that of any card would.
 *
 * What must never happen: that a port that has gone takes more with it than the
 * link.  The guest is told that the cable is out, the log once why, and frames
 * end here.
 *
 * There is one pair of queues.  More would be more of struct pair, each with a
 * port of its own to the same interface.
 *
 * Where we stand: the bus of a guest has a slot for us; or a driver has kicked.
 * Start at net_new() and on_kick(), at the end.
 *
 * Next: daemon/virtio/net_header.c
 */
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_ids.h>

#include "../log.h"
#include "net.h"
#include "virtio.h"

#define BIT(n) (1ULL << (n))

enum {
	RX,
	TX,
	CONTROL,
	QUEUES
};

#define LOOK_BYTES 64 /* of a frame, to see whether it is for us */

/* The first part of struct virtio_net_config, which is all we have of it. */
struct config {
	uint8_t mac[ETH_ALEN];
	uint16_t status;
	uint16_t max_virtqueue_pairs;
	uint16_t mtu;
} __attribute__((packed));

struct counts {
	uint64_t frames, bytes, lost;
};

struct net {
	struct virtio_dev dev; /* first: the one is the other */
	struct vq vqs[QUEUES];
	struct config config;
	struct net_port *port;
	struct event frames; /* from the port */
	bool gone; /* the port is */
	struct net_rx *rx;
	struct counts received, sent;
	bool leases;
	struct dhcp_lease lease;
};

static struct net *net_of(struct virtio_dev *dev)
{
	return (struct net *)dev;
}

/* ---- the port ---- */

static bool is_on(const struct vq *vq)
{
	return vq->state->size && !vq->broken;
}

static void listen_to_port(struct net *net, bool on)
{
	if (!event_initialized(&net->frames))
		return;
	if (on && !net->gone)
		event_add(&net->frames, NULL);
	else
		event_del(&net->frames);
}

static void lose_port(struct net *net, int err)
{
	if (net->gone)
		return;
	net->gone = true;
	listen_to_port(net, false);
	log_say(LOG_LEVEL_WARNING, net->dev.guest,
		"%s: %s: is gone, and the link is down: %s", net->dev.label,
		net->port->name, strerror(-err));
	net->config.status = 0;
	virtio_config_changed(&net->dev);
}

/* ---- what the guest receives ---- */

static void receive(struct net *net)
{
	struct vq *vq = &net->vqs[RX];
	int budget = VQ_BATCH;
	ssize_t n = 0;

	while (budget-- > 0 && !vq->broken) {
		n = net_rx_receive(net->rx, net->port);
		if (n < 0)
			break;
		if (n == 0) {
			net->received.lost++;
			continue;
		}
		net->received.frames++;
		net->received.bytes += (size_t)n - NET_HDR_BYTES;
	}
	vq_signal(vq);
	if (n < 0 && n != -EAGAIN && n != -ENOBUFS && n != -EPROTO)
		lose_port(net, (int)n);
	/* What we have left there is no news; to listen anew is to be told. */
	if (n >= 0 && net->port->tells_news)
		listen_to_port(net, false);
	listen_to_port(net, !vq->broken && n != -ENOBUFS);
}

static void on_frames(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;

	(void)fd;
	(void)what;
	receive(net);
}

/* ---- what it sends ---- */

/* A question for us, then, and no frame for the port. */
static void answer(struct net *net, const struct vq_chain *chain)
{
	uint8_t frame[ETH_FRAME_LEN], reply[DHCP_FRAME_BYTES];
	size_t len = chain_get(chain, NET_HDR_BYTES, frame, sizeof(frame));

	_Static_assert(sizeof(reply) >= RA_FRAME_BYTES, "room for either");
	if (ra_asks(frame, len))
		len = ra_answer(&net->lease, reply);
	else
		len = dhcp_answer(&net->lease, frame, len, reply);
	if (len && is_on(&net->vqs[RX]) && net_rx_insert(net->rx, reply, len))
		receive(net);
}

static void send_frame(struct net *net, const struct vq_chain *chain,
		       struct virtio_net_hdr_v1 *hdr)
{
	struct iovec iov[VQ_CHAIN_MAX + 1];
	size_t len = chain->read_bytes - NET_HDR_BYTES;
	unsigned int parts;
	int r = -ENOBUFS;

	iov[0] = (struct iovec){ hdr, sizeof(*hdr) };
	parts = chain_slice(chain, false, NET_HDR_BYTES, len, iov + 1);
	if (!net->gone)
		r = net->port->ops->send(net->port, iov, (int)parts + 1);
	if (r == 0) {
		net->sent.frames++;
		net->sent.bytes += len;
		return;
	}
	net->sent.lost++;
	if (r != -ENOBUFS)
		lose_port(net, r);
}

/* False: the device has failed. */
static bool send_chain(struct net *net, const struct vq_chain *chain)
{
	struct {
		struct virtio_net_hdr_v1 hdr;
		uint8_t frame[LOOK_BYTES];
	} start;
	size_t len = chain->read_bytes, look;
	const char *wrong;

	if (chain->writes || len < NET_HDR_BYTES + ETH_HLEN ||
	    len > NET_HDR_BYTES + NET_FRAME_MAX) {
		virtio_fail(&net->dev,
			    "a frame to send has %zu bytes with its header, "
			    "and %zu to write",
			    len, chain->write_bytes);
		return false;
	}
	look = chain_get(chain, 0, &start, sizeof(start)) - NET_HDR_BYTES;
	if (net->leases &&
	    (dhcp_asks(start.frame, look) || ra_asks(start.frame, look))) {
		answer(net, chain);
		return true;
	}
	wrong = net_header_check(&start.hdr, len - NET_HDR_BYTES,
				 net->dev.state->features);
	if (wrong) {
		virtio_fail(&net->dev, "a frame of %zu bytes wants %s",
			    len - NET_HDR_BYTES, wrong);
		return false;
	}
	send_frame(net, chain, &start.hdr);
	return true;
}

static bool transmit(struct net *net, struct vq *vq)
{
	struct vq_chain chain;
	int budget = VQ_BATCH, r = 0;

	while (budget-- > 0 && !vq->broken && (r = vq_pop(vq, &chain)) > 0) {
		if (!send_chain(net, &chain))
			break;
		/* At once: who comes after us must not send it again. */
		vq_push(vq, chain.head, 0);
	}
	vq_signal(vq);
	return r > 0 && !vq->broken;
}

/* ---- what it asks for ---- */

/*
 * Which frames it wants to see.  A port has no others than this guest's, or has
 * those of a bridge, which knows who is where; so it gets them all.
 */
static uint8_t control(const struct vq_chain *chain)
{
	struct virtio_net_ctrl_hdr hdr;

	if (chain_get(chain, 0, &hdr, sizeof(hdr)) < sizeof(hdr))
		return VIRTIO_NET_ERR;
	if (hdr.class == VIRTIO_NET_CTRL_RX &&
	    hdr.cmd <= VIRTIO_NET_CTRL_RX_NOBCAST)
		return VIRTIO_NET_OK;
	if (hdr.class == VIRTIO_NET_CTRL_MAC &&
	    hdr.cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return VIRTIO_NET_OK;
	return VIRTIO_NET_ERR;
}

static bool serve_control(struct net *net, struct vq *vq)
{
	struct vq_chain chain;
	int budget = VQ_BATCH, r = 0;
	uint8_t ack;

	while (budget-- > 0 && !vq->broken && (r = vq_pop(vq, &chain)) > 0) {
		ack = control(&chain);
		if (!chain_put(&chain, 0, &ack, sizeof(ack))) {
			virtio_fail(&net->dev,
				    "a request has no room for its answer");
			break;
		}
		vq_push(vq, chain.head, sizeof(ack));
	}
	vq_signal(vq);
	return r > 0 && !vq->broken;
}

/* ---- the device ---- */

/* The largest frame that the driver has agreed to take. */
static size_t frame_bytes(const struct net *net)
{
	if (virtio_has(&net->dev, VIRTIO_NET_F_GUEST_TSO4) ||
	    virtio_has(&net->dev, VIRTIO_NET_F_GUEST_TSO6))
		return NET_FRAME_MAX;
	return (size_t)le16toh(net->config.mtu) + ETH_HLEN + 4; /* a VLAN's */
}

static int start(struct virtio_dev *dev)
{
	struct net *net = net_of(dev);
	int r = net->port->ops->offload(net->port, dev->state->features);

	event_assign(&net->frames, dev->base, net->port->fd,
		     (short)(EV_READ | EV_PERSIST |
			     (net->port->tells_news ? EV_ET : 0)),
		     on_frames, net);
	if (r < 0)
		lose_port(net, r);
	if (!dev->vqs[RX].state->size)
		return 0;
	net_rx_start(net->rx, &dev->vqs[RX],
		     virtio_has(dev, VIRTIO_NET_F_MRG_RXBUF), frame_bytes(net));
	listen_to_port(net, true);
	return 0;
}

static bool on_kick(struct virtio_dev *dev, struct vq *vq)
{
	struct net *net = net_of(dev);

	switch (vq->index) {
	case RX:
		/* There may be a frame, and now there are buffers. */
		receive(net);
		return false;
	case TX:
		return transmit(net, vq);
	default:
		return serve_control(net, vq);
	}
}

static bool reset(struct virtio_dev *dev)
{
	struct net *net = net_of(dev);

	listen_to_port(net, false);
	net_rx_reset(net->rx);
	return true;
}

static json_t *describe_counts(const struct counts *counts)
{
	return json_pack("{sI sI sI}", "frames", (json_int_t)counts->frames,
			 "bytes", (json_int_t)counts->bytes, "lost",
			 (json_int_t)counts->lost);
}

static void describe(struct virtio_dev *dev, void *json)
{
	struct net *net = net_of(dev);
	const uint8_t *mac = net->config.mac;
	char text[sizeof("00:00:00:00:00:00")];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	json_object_set_new(json, "mac", json_string(text));
	json_object_set_new(json, "interface", json_string(net->port->name));
	json_object_set_new(json, "link",
			    json_string(net->gone ? "down" : "up"));
	json_object_set_new(json, "received", describe_counts(&net->received));
	json_object_set_new(json, "sent", describe_counts(&net->sent));
}

static void destroy(struct virtio_dev *dev)
{
	struct net *net = net_of(dev);

	listen_to_port(net, false);
	net->port->ops->close(net->port);
	net_rx_free(net->rx);
	free(net);
}

static const struct virtio_ops net_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.start = start,
	.on_kick = on_kick,
	.reset = reset,
	.describe = describe,
	.destroy = destroy,
};

struct virtio_dev *net_new(unsigned int number, struct net_port *port,
			   const struct net_setup *setup)
{
	struct net *net = calloc(1, sizeof(*net));
	struct net_rx *rx = net_rx_new();

	if (!net || !rx) {
		port->ops->close(port);
		free(net);
		net_rx_free(rx);
		return NULL;
	}
	net->dev.ops = &net_ops;
	snprintf(net->dev.label, sizeof(net->dev.label), "net%u", number);
	net->dev.queue_count = QUEUES;
	net->dev.vqs = net->vqs;
	net->dev.config = &net->config;
	net->dev.config_bytes = sizeof(net->config);
	net->dev.offered = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) |
			   BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
			   BIT(VIRTIO_NET_F_CTRL_VQ) |
			   BIT(VIRTIO_NET_F_CTRL_RX) | port->features;
	memcpy(net->config.mac, setup->mac, ETH_ALEN);
	net->config.status = htole16(VIRTIO_NET_S_LINK_UP);
	net->config.max_virtqueue_pairs = htole16(1);
	net->config.mtu = htole16(setup->mtu);
	net->port = port;
	net->rx = rx;
	net->leases = setup->lease;
	if (setup->lease)
		net->lease = *setup->lease;
	return &net->dev;
}

int net_port_fd(const struct virtio_dev *dev)
{
	return ((const struct net *)dev)->port->fd;
}
