#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# models.sh - lets prove run our tests on other models of the rig as well
#
#	t/lib/models.sh smoke|full MODEL...
#
# Writes build/t/models/MODEL/.../NAME.t, each of which is t/.../NAME.t with
# LG_MODEL set, so that one prove runs everything and its listing says what ran
# where.  The smoke set is made of the tests that say so themselves, by a line
# that begins "# Smoke"; the full one is every test of guests and of the system,
# but for those with a line "# Once".

out=build/t/models

smoke() {
	grep -rl --include='*.t' '^# Smoke' t/guest t/kernel t/system t/rig 2>/dev/null
}

full() {
	find t/guest t/kernel t/system -name '*.t' -exec grep -L '^# Once' {} +
}

case ${1:-} in
smoke | full) tests=$($1 | LC_ALL=C sort) && shift ;;
*) echo 'usage: models.sh smoke|full MODEL...' >&2 && exit 2 ;;
esac

rm -rf "$out"
mkdir -p "$out"
for model in "$@"; do
	for test in $tests; do
		wrapper=$out/$model/${test#t/}
		mkdir -p "$(dirname "$wrapper")"
		printf '#!/bin/sh\nLG_MODEL=%s exec %s\n' "$model" "$test" \
			>"$wrapper"
	done
done
printf '  %-8s%s tests on %s other models\n' MODELS \
	"$(echo "$tests" | grep -c .)" $#
