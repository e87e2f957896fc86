/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_keys.h"

#include <assert.h>
#include <string.h>

#define IN_CONF(field) offsetof(struct conf, field)
#define IN_SITE(field) offsetof(struct conf_site, field)
#define WHOLE_CONF     0 /* the value is in more than one member */
#define TYPE(type)     CONF_TYPE_##type, NULL
#define WORD(words)    CONF_TYPE_WORD, &conf_words_##words
#define BITS(words)    CONF_TYPE_BITS, &conf_words_##words

const struct conf_key conf_keys[CONF_NKEYS] = {
	{ CONF_IN_SERVER, "name", TYPE(NAMES),
	    CONF_KEY_REQUIRED | CONF_KEY_LIVE,
	    IN_CONF(names), 0, CONF_MAX_NAMES, NULL, "vpn.example.org",
	    "The host name or address that sites connect to, and that the\n"
	    "certificate is made for.  May be repeated, for example for an old name\n"
	    "that sites still use.  Invitations contain the first." },
	{ CONF_IN_SERVER, "port", TYPE(PORT), 0, IN_CONF(port), 1, 65535,
	    "55555", NULL, "TCP and UDP." },
	{ CONF_IN_SERVER, "listen", TYPE(LISTEN), 0, WHOLE_CONF, 0,
	    CONF_MAX_LISTENS, NULL, "any",
	    "The address to listen on, or any for all, IPv4 and IPv6; with :PORT if\n"
	    "it differs from the port above.  May be repeated: any:443." },
	{ CONF_IN_SERVER, "transport", WORD(transport), CONF_KEY_LIVE,
	    IN_CONF(transport), 0, 0, "auto", NULL,
	    "What carries frames: udp; tcp, the control connection; auto: udp, or\n"
	    "tcp while that does not get through." },
	{ CONF_IN_SERVER, "certificate", TYPE(PATH), CONF_KEY_LIVE,
	    IN_CONF(certificate), 0, 0, "server.crt", NULL,
	    "PEM; a name without / is in the directory of this file." },
	{ CONF_IN_SERVER, "auth", BITS(auth), CONF_KEY_LIVE,
	    IN_CONF(auths), 0, CONF_AUTHS, NULL, "srp",
	    "How a site may prove who it is: srp, password, pam, certificate,\n"
	    "tls-srp.  May be repeated; the default is all but tls-srp." },
	{ CONF_IN_SERVER, "certificate-rsa", TYPE(PATH), CONF_KEY_LIVE,
	    IN_CONF(certificate_rsa), 0, 0, "server-rsa.crt", NULL,
	    "With tls-srp: its certificate, with an RSA key." },
	{ CONF_IN_SERVER, "site-ca", TYPE(PATH), CONF_KEY_LIVE,
	    IN_CONF(site_ca), 0, 0, "ca.crt", NULL,
	    "With certificate: the CA that signs sites' certificates." },
	{ CONF_IN_SERVER, "crl", TYPE(PATH), CONF_KEY_LIVE,
	    IN_CONF(crl), 0, 0, "crl.pem", NULL,
	    "With certificate: the CA's list of revoked ones; may be missing." },
	{ CONF_IN_SERVER, "pam-service", TYPE(SERVICE), CONF_KEY_LIVE,
	    IN_CONF(pam_service), 0, 0, "tombolo", NULL,
	    "With pam: the service, a file in /etc/pam.d." },
	{ CONF_IN_SERVER, "resume-time", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(resume_sec), 0, 2592000, "86400", NULL,
	    "For how many seconds after its login a site may come back without its\n"
	    "password; 0: never." },
	{ CONF_IN_SERVER, "max-handshakes", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(max_handshakes), 1, 65536, "128", NULL,
	    "The maximum number of connections that are not authenticated yet." },
	{ CONF_IN_SERVER, "handshake-time", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(handshake_time_sec), 1, 600, "20", NULL,
	    "Seconds that a site may take to log in." },
	{ CONF_IN_SERVER, "keepalive", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(keepalive_sec), 1, CONF_MAX_KEEPALIVE, "10", NULL,
	    "How often a site sends a keepalive request, in seconds." },
	{ CONF_IN_SERVER, "dead-peer", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(dead_peer_sec), 2, CONF_MAX_DEAD_PEER, "30", NULL,
	    "Seconds of silence after which the other end is considered dead; more\n"
	    "than keepalive." },
	{ CONF_IN_SERVER, "rekey-time", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(rekey_sec), CONF_MIN_REKEY, CONF_MAX_REKEY, "3600", NULL,
	    "Seconds after which the keys of a site's lanes are renewed." },
	{ CONF_IN_SERVER, "rekey-volume", TYPE(NUMBER), CONF_KEY_LIVE,
	    IN_CONF(rekey_mib), 1, CONF_MAX_REKEY_MIB, "65536", NULL,
	    "Mebibytes encrypted with one key after which it is renewed earlier." },
	{ CONF_IN_SERVER, "socket", TYPE(PATH), 0, IN_CONF(socket), 0, 0,
	    NULL, "/run/tombolo/tombolo.sock",
	    "The local socket, for tombolo status and other commands.  The default\n"
	    "is /run/tombolo/NAME.sock, NAME being that of this file's directory." },
	{ CONF_IN_SERVER, "log-level", WORD(level), CONF_KEY_LIVE,
	    IN_CONF(log_level), 0, 0, "info", NULL,
	    "The lowest severity to log: error, warn, info or debug." },

	{ CONF_IN_CLIENT, "server", TYPE(SERVER), CONF_KEY_REQUIRED,
	    WHOLE_CONF, 0, CONF_MAX_SERVERS, NULL,
	    "vpn.example.org:55555",
	    "The hub: HOST, HOST:PORT or [V6]:PORT; \"weight N\" and\n"
	    "\"name HOST\" may follow.  May be repeated." },
	{ CONF_IN_CLIENT, "server-order", WORD(order), 0,
	    IN_CONF(server_order), 0, 0, "given", NULL,
	    "given: hubs are tried in this order; weight: in random order, and one\n"
	    "with twice the weight is first twice as often." },
	{ CONF_IN_CLIENT, "proxy", TYPE(PROXY), 0, IN_CONF(proxy), 0, 0,
	    NULL, "http://10.0.0.1:3128",
	    "Connect through this proxy: http://HOST:PORT (CONNECT) or\n"
	    "socks5://HOST:PORT.  Put USER:PASSWORD into keeper/proxy." },
	{ CONF_IN_CLIENT, "name", TYPE(HOST), 0, IN_CONF(server_name), 0, 0,
	    NULL, "vpn.example.org",
	    "The name that a hub's certificate must have, unless its line server has\n"
	    "a name.  The default is the host there." },
	{ CONF_IN_CLIENT, "transport", WORD(transport), CONF_KEY_LIVE,
	    IN_CONF(transport), 0, 0, "auto", NULL,
	    "What carries frames: udp; tcp, the control connection; auto: udp, or\n"
	    "tcp while that does not get through." },
	{ CONF_IN_CLIENT, "site", TYPE(SITE), CONF_KEY_REQUIRED,
	    IN_CONF(site), 0, 0, NULL, "berlin", "This site's name at the hub." },
	{ CONF_IN_CLIENT, "auth", WORD(auth), 0, IN_CONF(auth), 0, 0,
	    "srp", NULL,
	    "How this site proves who it is, the same as at the hub: srp, password,\n"
	    "pam, certificate, tls-srp." },
	{ CONF_IN_CLIENT, "certificate", TYPE(PATH), CONF_KEY_LIVE,
	    IN_CONF(site_certificate), 0, 0, "client.crt", NULL,
	    "With auth = certificate: this site's certificate." },
	{ CONF_IN_CLIENT, "ca", TYPE(PATH), CONF_KEY_LIVE,
	    IN_CONF(ca), 0, 0, "ca.crt", NULL,
	    "The only CA that is trusted to sign the hub's certificate." },
	{ CONF_IN_CLIENT, "subnet", TYPE(NETWORKS),
	    CONF_KEY_TUN | CONF_KEY_LIVE, IN_CONF(subnets), 0, CONF_MAX_LIST,
	    NULL, "10.0.7.0/24",
	    "A network behind this site.  Only a request: the hub decides.\n"
	    "May be repeated." },
	{ CONF_IN_CLIENT, "accept-default-route", TYPE(BOOL), CONF_KEY_TUN,
	    IN_CONF(accept_default_route), 0, 0, "no", NULL,
	    "Whether the hub may assign routes for all traffic." },
	{ CONF_IN_CLIENT, "when-down", WORD(when_down), CONF_KEY_TUN,
	    IN_CONF(when_down), 0, 0, "block", NULL,
	    "That traffic while the tunnel is down: block, or bypass the tunnel." },
	{ CONF_IN_CLIENT, "local-networks", TYPE(NETWORKS),
	    CONF_KEY_TUN | CONF_KEY_LIVE, IN_CONF(local_networks), 0, CONF_MAX_LIST,
	    NULL, "10.20.0.0/16",
	    "A network behind a local router, to which traffic bypasses the tunnel,\n"
	    "as to those of this host's own links.  May be repeated." },
	{ CONF_IN_CLIENT, "mark", TYPE(MARK), CONF_KEY_TUN, IN_CONF(mark),
	    0, 0, "0x90/0xf0", NULL,
	    "VALUE/MASK: the mark of the daemon's own packets, for firewalls and\n"
	    "policy routing; only with accept-default-route = yes." },
	{ CONF_IN_CLIENT, "accept-dns", WORD(auto), CONF_KEY_TUN,
	    IN_CONF(accept_dns), 0, 0, "auto", NULL,
	    "Whether to use the DNS servers that the hub assigns; auto: only with\n"
	    "accept-default-route = yes." },
	{ CONF_IN_CLIENT, "socket", TYPE(PATH), 0, IN_CONF(socket), 0, 0,
	    NULL, "/run/tombolo/tombolo.sock",
	    "The local socket, for tombolo status and other commands.  The default\n"
	    "is /run/tombolo/NAME.sock, NAME being that of this file's directory." },
	{ CONF_IN_CLIENT, "log-level", WORD(level), CONF_KEY_LIVE,
	    IN_CONF(log_level), 0, 0, "info", NULL,
	    "The lowest severity to log: error, warn, info or debug." },

	{ CONF_IN_INTERFACE, "mode", WORD(mode), 0, IN_CONF(mode), 0, 0,
	    "tap", NULL,
	    "tap: one Ethernet; tun: one routed network.  The same on both ends." },
	{ CONF_IN_INTERFACE, "device", TYPE(DEVICE), 0, IN_CONF(device), 0,
	    0, "tombolo0", NULL, "The interface that the daemon creates." },
	{ CONF_IN_INTERFACE, "bridge", TYPE(DEVICE), CONF_KEY_TAP,
	    IN_CONF(bridge), 0, 0, NULL, "br0",
	    "The bridge it joins.  Without one, only this host is on the Ethernet." },
	{ CONF_IN_INTERFACE, "create-bridge", TYPE(BOOL), CONF_KEY_TAP,
	    IN_CONF(create_bridge), 0, 0, "no", NULL,
	    "Whether to create the bridge if it does not exist." },
	{ CONF_IN_INTERFACE, "mtu", TYPE(NUMBER), CONF_KEY_AUTO,
	    IN_CONF(mtu), 1280, 9216, "auto", NULL,
	    "auto: tap, the bridge's or 1500; tun, 1400." },
	{ CONF_IN_INTERFACE, "path-mtu", TYPE(NUMBER), 0, IN_CONF(path_mtu),
	    1280, 9216, "1500", NULL,
	    "The largest packet to try on the path; the size that fits is probed." },
	{ CONF_IN_INTERFACE, "workers", TYPE(NUMBER), CONF_KEY_AUTO,
	    IN_CONF(workers), 1, CONF_MAX_WORKERS, "auto", NULL,
	    "Threads of the data path; auto: one per CPU, at most 16." },
	{ CONF_IN_INTERFACE, "aead", WORD(aead), 0, IN_CONF(aead), 0, 0,
	    "auto", NULL,
	    "Whose ciphers to use: auto: the fastest here; gnutls: only GnuTLS's." },
	{ CONF_IN_INTERFACE, "clamp-mss", TYPE(BOOL), 0,
	    IN_CONF(clamp_mss), 0, 0, "yes", NULL,
	    "Whether to lower the MSS of TCP to what fits the tunnel." },
	{ CONF_IN_INTERFACE, "no-offload", BITS(offload), 0,
	    IN_CONF(no_offloads), 0, CONF_OFFLOADS, NULL, "uso4",
	    "A kernel offload not to use: csum, tso4, tso6, uso4, uso6, gso, gro, or\n"
	    "all.  May be repeated." },
	{ CONF_IN_INTERFACE, "address", TYPE(ADDRESSES), 0,
	    IN_CONF(addresses), 0, CONF_MAX_LIST, NULL, "192.168.7.1/24",
	    "An additional address for the interface.  May be repeated." },
	{ CONF_IN_INTERFACE, "tunnel-network", TYPE(NETWORKS),
	    CONF_KEY_TUN | CONF_KEY_SERVER, IN_CONF(tunnel_networks), 0, 16,
	    NULL, "10.4.2.0/24",
	    "The network of tunnel addresses; the first is the hub's own.\n"
	    "May be repeated." },
	{ CONF_IN_INTERFACE, "network", TYPE(NETWORKS),
	    CONF_KEY_TUN | CONF_KEY_SERVER | CONF_KEY_LIVE,
	    IN_CONF(networks), 0, CONF_MAX_LIST, NULL, "10.0.0.0/24",
	    "A network here that sites get a route to; 0.0.0.0/0: everything.\n"
	    "May be repeated." },
	{ CONF_IN_INTERFACE, "dns", TYPE(HOSTS),
	    CONF_KEY_TUN | CONF_KEY_SERVER | CONF_KEY_LIVE, IN_CONF(dns), 0, CONF_MAX_DNS,
	    NULL, "192.168.60.1",
	    "A DNS server for sites that accept one.  May be repeated." },
	{ CONF_IN_INTERFACE, "dns-domain", TYPE(DOMAINS),
	    CONF_KEY_TUN | CONF_KEY_SERVER | CONF_KEY_LIVE, IN_CONF(domains), 0,
	    CONF_MAX_DOMAINS, NULL, "example.org",
	    "A domain in which sites look up short names.  May be repeated." },
	{ CONF_IN_INTERFACE, "nat", TYPE(BOOL),
	    CONF_KEY_TUN | CONF_KEY_SERVER | CONF_KEY_LIVE, IN_CONF(nat), 0,
	    0, "no", NULL,
	    "Whether packets from sites leave with this host's address." },
	{ CONF_IN_INTERFACE, "forward", WORD(auto), CONF_KEY_TUN,
	    IN_CONF(forward), 0, 0, "auto", NULL,
	    "Whether to enable IP forwarding; auto: if it is needed." },

	{ CONF_IN_SWITCH, "max-addresses", TYPE(NUMBER), CONF_KEY_TAP,
	    IN_CONF(max_addresses), 16, 1048576, "65536", NULL,
	    "The maximum number of MAC addresses in the table." },
	{ CONF_IN_SWITCH, "max-addresses-per-site", TYPE(NUMBER),
	    CONF_KEY_TAP | CONF_KEY_LIVE, IN_CONF(max_addresses_per_site), 1,
	    1048576, "4096", NULL, "The maximum number behind one site." },
	{ CONF_IN_SWITCH, "ageing", TYPE(NUMBER),
	    CONF_KEY_TAP | CONF_KEY_LIVE, IN_CONF(ageing_sec), 10, 1000000,
	    "300", NULL,
	    "Seconds after which a silent MAC address is forgotten." },
	{ CONF_IN_SWITCH, "loop-probe", TYPE(BOOL), CONF_KEY_TAP,
	    IN_CONF(loop_probe), 0, 0, "yes", NULL,
	    "Whether to detect a second path between the joined LANs." },

	{ CONF_IN_SITE, "auth", WORD(auth), CONF_KEY_LIVE, IN_SITE(auth), 0,
	    0, "srp", NULL, "How the site proves who it is." },
	{ CONF_IN_SITE, "disabled", TYPE(BOOL), CONF_KEY_LIVE,
	    IN_SITE(disabled), 0, 0, "no", NULL, "yes: its logins are refused." },
	{ CONF_IN_SITE, "address", TYPE(HOSTS), CONF_KEY_TUN | CONF_KEY_LIVE,
	    IN_SITE(addresses), 0, 16, NULL, "10.4.2.7",
	    "Its address in a tunnel network.  May be repeated." },
	{ CONF_IN_SITE, "subnet", TYPE(NETWORKS), CONF_KEY_TUN | CONF_KEY_LIVE,
	    IN_SITE(subnets), 0, CONF_MAX_LIST, NULL, "10.0.7.0/24",
	    "A network behind it.  May be repeated." },
	{ CONF_IN_SITE, "default-route", TYPE(BOOL), CONF_KEY_TUN | CONF_KEY_LIVE,
	    IN_SITE(default_route), 0, 0, "no", NULL,
	    "yes: all its traffic goes through the tunnel." },
};

static const char *const section_names[CONF_SECTIONS] = {
	[CONF_IN_SERVER] = "server",
	[CONF_IN_CLIENT] = "client",
	[CONF_IN_INTERFACE] = "interface",
	[CONF_IN_SWITCH] = "switch",
	[CONF_IN_SITE] = "site",
};

const struct conf_key *
conf_key_find(enum conf_section section, const char *name)
{
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		if (conf_keys[i].section == section &&
		    strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	}
	return NULL;
}

const char *
conf_section_name(enum conf_section section)
{
	assert(section < CONF_SECTIONS);
	return section_names[section];
}

enum conf_section
conf_section_find(const char *name)
{
	unsigned i = 0;

	while (i < CONF_SECTIONS && strcmp(section_names[i], name) != 0)
		i++;
	return (enum conf_section)i;
}

enum conf_section
conf_section_of_role(enum conf_role role)
{
	return role == CONF_SERVER ? CONF_IN_SERVER : CONF_IN_CLIENT;
}

bool
conf_key_applies(const struct conf_key *key, enum conf_role role,
    enum conf_mode mode)
{
	if (key->section == CONF_IN_SERVER && role != CONF_SERVER)
		return false;
	if (key->section == CONF_IN_CLIENT && role != CONF_CLIENT)
		return false;
	if ((key->flags & CONF_KEY_SERVER) != 0 && role != CONF_SERVER)
		return false;
	if ((key->flags & CONF_KEY_TAP) != 0 && mode != CONF_TAP)
		return false;
	return (key->flags & CONF_KEY_TUN) == 0 || mode == CONF_TUN;
}
