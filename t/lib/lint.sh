# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# lint.sh - what every test in t/lint/ needs: our files, and a verdict
#
# A lint collects complaints, one per line, and hands them to clean() of tap.sh,
# which fails and shows them if there are any.  LINT_TOP names another tree to
# look at, so that a lint can be shown to fail without breaking this one.

. t/lib/tap.sh

# shellcheck disable=SC2034 # journey.t runs a neighbour of ours
lint_lib=$PWD/t/lib
cd "${LINT_TOP:-.}" || bail_out "no tree at '$LINT_TOP'"

# sources PATTERN... - our own files whose names match, in a stable order
sources() {
	lint_names=''
	for lint_pattern in "$@"; do
		lint_names="$lint_names -o -name $lint_pattern"
	done
	set -f # the patterns are find's to expand, not ours
	# shellcheck disable=SC2086
	find . \( -path ./build -o -path ./.git \) -prune -o \
		-type f \( ${lint_names#" -o "} \) -print | sed 's,^\./,,' |
		LC_ALL=C sort
	set +f
}

# scripts - everything that sh or bash will read, whatever it is called
scripts() {
	sources '*.sh' '*.t'
	sources '[!.]*' | grep -v '[^/]\.[^/]*$' | while read -r lint_file; do
		head -n 1 "$lint_file" | grep -aEq '^#!.*[/ ](ba|da)?sh( |$)' &&
			echo "$lint_file"
	done
}
