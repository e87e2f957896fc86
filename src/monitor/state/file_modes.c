/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state/file_modes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "monitor/state/state_dir.h"

/* What other users must not do: change the file, or even read it. */
static const struct rule {
	const char *name;
	mode_t	    mask;
	const char *fix;
} rules[] = {
	{ ".", 022, "go-w" },
	{ CONF_SITES_DIR, 022, "go-w" },
	{ CONF_KEEPER_DIR, 077, "700" },
	{ CONF_KEEPER_DIR "/sites", 077, "700" },
	{ "ca.key", 077, "600" },
	{ STATE_DIR_ID_FILE, 022, "go-w" },
};

static bool is_tight(const char *dir, const struct rule *rule);
static bool are_sites_tight(const char *dir);

bool
file_modes_are_tight(const struct conf *conf, const char *path)
{
	const struct rule file = { path, 022, "go-w" };
	bool		  tight = is_tight(conf->dir, &file);

	for (size_t i = 0; i < nitems(rules); i++)
		tight &= is_tight(conf->dir, &rules[i]);
	return are_sites_tight(conf->dir) && tight;
}

/* Missing files are reported elsewhere. */
static bool
is_tight(const char *dir, const struct rule *rule)
{
	char	   *path = strcmp(rule->name, ".") == 0 ?
	       strdup(dir) : file_join(dir, rule->name);
	struct stat st;
	bool	    tight = path != NULL;

	if (path != NULL && stat(path, &st) == 0 &&
	    (st.st_mode & rule->mask) != 0) {
		log_warnx("%s: others may %s it; fix with: chmod %s %s", path,
		    rule->mask == 077 ? "read" : "change", rule->fix, path);
		tight = false;
	}
	free(path);
	return tight;
}

static bool
are_sites_tight(const char *dir)
{
	char	      *path = file_join(dir, CONF_SITES_DIR);
	DIR	      *list = path != NULL ? opendir(path) : NULL;
	struct dirent *entry;
	bool	       tight = true;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		const struct rule rule = { entry->d_name, 022, "go-w" };

		if (entry->d_name[0] != '.')
			tight &= is_tight(path, &rule);
	}
	if (list != NULL)
		closedir(list);
	free(path);
	return tight;
}
