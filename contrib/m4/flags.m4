# SPDX-License-Identifier: GPL-2.0-or-later
# AX_FLAG_TRY(FLAG, IF-IT-WORKS, ELSE): whether the compiler takes FLAG.
AC_DEFUN([AX_FLAG_TRY], [
	ax_save_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
	    [CFLAGS=$ax_save_CFLAGS; $2], [CFLAGS=$ax_save_CFLAGS; $3])
	CFLAGS=$CFLAGS
])
# The same for a flag that matters when linking.
AC_DEFUN([AX_LDFLAG_TRY], [
	ax_save_CFLAGS=$CFLAGS ax_save_LDFLAGS=$LDFLAGS
	CFLAGS="$CFLAGS -fPIE" LDFLAGS="$LDFLAGS $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
	    [CFLAGS=$ax_save_CFLAGS LDFLAGS=$ax_save_LDFLAGS; $2],
	    [CFLAGS=$ax_save_CFLAGS LDFLAGS=$ax_save_LDFLAGS; $3])
	LDFLAGS=$LDFLAGS
])
