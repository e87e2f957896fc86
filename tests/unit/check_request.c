/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of requests: what goes in comes out, and nothing else goes in.
 */
#include <check.h>
#include <string.h>

#include "base/nitems.h"
#include "proc/request.h"

static const struct {
	const char *what;
	const char *prefix;
	uint16_t    port;
	size_t	    len; /* of the addr field */
} fields[] = {
	{ "an IPv4 network", "10.4.2.0/24", 55555, 5 },
	{ "an IPv4 host", "192.0.2.1/32", 1, 5 },
	{ "everything", "0.0.0.0/0", 65535, 5 },
	{ "an IPv6 network", "fd00:1:2::/48", 443, 17 },
	{ "an IPv6 host", "2001:db8::1/128", 0, 17 },
	{ "all of IPv6", "::/0", 22, 17 },
};

START_TEST(fields_come_out_as_they_went_in)
{
	struct prefix	   prefix, got_prefix;
	struct endpoint	   ep, got_ep;
	struct addr	   got_addr;
	struct wire_writer w;
	struct wire_reader r;
	uint8_t		   buf[128];

	ck_assert(prefix_parse(&prefix, fields[_i].prefix));
	ep = endpoint_make(&prefix.addr, fields[_i].port);
	wire_writer_init(&w, buf, sizeof(buf));
	request_put_addr(&w, &prefix.addr);
	ck_assert_uint_eq(w.len, fields[_i].len);
	request_put_prefix(&w, &prefix);
	request_put_endpoint(&w, &ep);
	ck_assert(wire_writer_is_ok(&w));

	wire_reader_init(&r, buf, w.len);
	request_get_addr(&r, &got_addr);
	request_get_prefix(&r, &got_prefix);
	request_get_endpoint(&r, &got_ep);
	ck_assert(wire_is_done(&r));
	ck_assert_msg(addr_is_equal(&got_addr, &prefix.addr), "%s",
	    fields[_i].what);
	ck_assert_msg(prefix_is_equal(&got_prefix, &prefix), "%s",
	    fields[_i].what);
	ck_assert_msg(endpoint_is_equal(&got_ep, &ep), "%s", fields[_i].what);
	ck_assert_uint_eq(endpoint_port(&got_ep), fields[_i].port);
}
END_TEST

START_TEST(truncated_at_any_byte_fails)
{
	struct prefix	   prefix, got;
	struct endpoint	   ep;
	struct wire_writer w;
	struct wire_reader r;
	uint8_t		   buf[64];

	ck_assert(prefix_parse(&prefix, fields[_i].prefix));
	wire_writer_init(&w, buf, sizeof(buf));
	request_put_prefix(&w, &prefix);
	for (size_t len = 0; len < w.len; len++) {
		wire_reader_init(&r, buf, len);
		request_get_prefix(&r, &got);
		ck_assert_msg(!wire_is_ok(&r), "%s, %zu bytes", fields[_i].what,
		    len);
	}
	ep = endpoint_make(&prefix.addr, fields[_i].port);
	wire_writer_init(&w, buf, sizeof(buf));
	request_put_endpoint(&w, &ep);
	for (size_t len = 0; len < w.len; len++) {
		wire_reader_init(&r, buf, len);
		request_get_endpoint(&r, &ep);
		ck_assert_msg(!wire_is_ok(&r), "%s, %zu bytes", fields[_i].what,
		    len);
	}
}
END_TEST

static const struct {
	const char *what;
	uint8_t	    bytes[18];
	size_t	    len;
} bad[] = {
	{ "no family", { 0, 10, 0, 0, 1, 24 }, 6 },
	{ "a family of AF_INET", { 2, 10, 0, 0, 1, 24 }, 6 },
	{ "a family of 5", { 5, 10, 0, 0, 1, 24 }, 6 },
	{ "a family of 255", { 255, 10, 0, 0, 1, 24 }, 6 },
	{ "33 bits of an IPv4 address", { 4, 10, 0, 0, 1, 33 }, 6 },
	{ "255 bits of an IPv4 address", { 4, 10, 0, 0, 1, 255 }, 6 },
	{ "129 bits of an IPv6 address",
	    { 6, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 129 }, 18 },
};

START_TEST(bad_prefix_fails)
{
	struct wire_reader r;
	struct prefix	   prefix;

	wire_reader_init(&r, bad[_i].bytes, bad[_i].len);
	request_get_prefix(&r, &prefix);
	ck_assert_msg(!wire_is_ok(&r), "%s", bad[_i].what);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("request");
	TCase	*tc = tcase_create("request");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tc, fields_come_out_as_they_went_in, 0,
	    nitems(fields));
	tcase_add_loop_test(tc, truncated_at_any_byte_fails, 0, nitems(fields));
	tcase_add_loop_test(tc, bad_prefix_fails, 0, nitems(bad));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
