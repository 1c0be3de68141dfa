#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Manual pages are free of errors, warnings and remarks on style, apart from references to pages that
# aren't installed here.
set -eu
mandoc=$1
dir=$2
for page in "$dir"/*.[1-9]; do
	found=$("$mandoc" -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found' || true)
	if [ -n "$found" ]; then
		echo "$found" >&2
		exit 1
	fi
done
