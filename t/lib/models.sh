#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# models.sh - lets prove run our tests on other models of the rig as well
#
#	t/lib/models.sh smoke|full MODEL...
#
# Writes build/t/models/.../NAME/MODEL.t, each of which is t/.../NAME.t with
# LG_MODEL set, so that one prove runs everything and its listing says what ran
# where.  Many rounds are for the default model.  In this order two tests at a
# time boot two models, rather than that one waits for the other's.
#
# The smoke set is made of the tests that say so themselves, by a line that
# begins "# Smoke", or "# Smoke, not MODEL..."; the full one is every test of
# guests and of the system, but for those with a line "# Once".  What only the CPU
# itself decides is for the full one: most models are of one emulator.  Neither
# runs one with a line "# Not MODEL..." there.

out=build/t/models

smoke() {
	grep -rl --include='*.t' '^# Smoke' t/guest t/kernel t/system t/rig 2>/dev/null
}

full() {
	find t/guest t/kernel t/system -name '*.t' -exec grep -L '^# Once' {} +
}

mode=${1:-}
case $mode in
smoke | full) tests=$($mode | LC_ALL=C sort) && shift ;;
*) echo 'usage: models.sh smoke|full MODEL...' >&2 && exit 2 ;;
esac

# wanted MODEL TEST - on this model too?
wanted() {
	! grep -q "^# Not[^:]* $1[ :]" "$2" || return
	! [ "$mode" = smoke ] || ! grep -q "^# Smoke, not[^:]* $1[ :]" "$2"
}

rm -rf "$out"
count=0
for test in $tests; do
	name=${test#t/}
	mkdir -p "$out/${name%.t}"
	for model in "$@"; do
		wanted "$model" "$test" || continue
		count=$((count + 1))
		printf '#!/bin/sh\nLG_ROUNDS=1 LG_MODEL=%s exec %s\n' \
			"$model" "$test" \
			>"$out/${name%.t}/$model.t"
	done
done
printf '  %-8s%s tests on %s other models\n' MODELS $count $#
