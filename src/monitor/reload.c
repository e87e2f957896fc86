/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/reload.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/conf.h"
#include "monitor/monitor_ask.h"

static void say_complaint(void *arg, const char *text);

bool
reload_print(const struct conf *conf, char **text, size_t *len)
{
	FILE *out;
	bool  ok;

	*text = NULL;
	out = open_memstream(text, len);
	if (out == NULL) {
		log_warn("the configuration cannot be printed");
		return false;
	}
	conf_print(out, conf);
	ok = ferror(out) == 0;
	ok = fclose(out) == 0 && ok;
	if (!ok)
		log_warnx("there is no memory for the configuration");
	else if (*len > GIFT_MAX_CONF)
		log_warnx("the configuration is larger than %zu MiB",
		    GIFT_MAX_CONF >> 20);
	if (ok && *len <= GIFT_MAX_CONF)
		return true;
	free(*text);
	*text = NULL;
	return false;
}

struct conf *
reload_sites(const char *path, const struct conf *running, char **text,
    size_t *len)
{
	struct conf_errors errors = { .say = say_complaint };
	struct conf	  *loaded = conf_load(path, &errors);
	struct conf	   mixed = *running; /* borrows from both; not freed */
	struct conf	  *conf = NULL;

	if (loaded == NULL)
		return NULL;
	if (loaded->role != running->role) {
		log_warnx("%s: is a client's now; that is for the next start",
		    path);
		conf_free(loaded);
		return NULL;
	}
	mixed.auths = loaded->auths;
	mixed.sites = loaded->sites;
	mixed.nsites = loaded->nsites;
	if (reload_print(&mixed, text, len)) {
		conf = conf_parse_text(*text, *len, path, running->dir,
		    &errors);
		if (conf == NULL)
			free(*text);
	}
	conf_free(loaded);
	return conf;
}

static void
say_complaint(void *arg, const char *text)
{
	(void)arg;
	log_warnx("%s", text);
}
