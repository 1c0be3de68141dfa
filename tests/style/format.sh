#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# usage: format.sh SOURCE-DIR: every C file is as clang-format makes it, and no line has more than
# 100 columns. Versions of clang-format differ, so only one decides: that of Debian 12.
set -eu
version=14
cd "$1"
if [ -d .git ] && command -v git >/dev/null; then
	files=$(git ls-files '*.[ch]')
else
	files=$(find include lib tools examples tests -name '*.[ch]')
fi

long=$(for file in $files; do
	expand -t 8 "$file" | awk -v file="$file" 'length > 100 { print file ":" FNR ": " length " columns" }'
done)
if [ -n "$long" ]; then
	echo "$long"
	exit 1
fi

formatter=
for name in clang-format-$version clang-format; do
	if "$name" --version 2>/dev/null | grep -q "version $version\."; then
		formatter=$name
		break
	fi
done
if [ -z "$formatter" ]; then
	echo "no line is too long; the rest needs clang-format $version"
	exit 77
fi
# shellcheck disable=SC2086 # file names, one a word
"$formatter" --dry-run -Werror $files 2>&1 | grep 'error:' && exit 1
exit 0
