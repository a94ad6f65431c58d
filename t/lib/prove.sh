#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# prove.sh - prove, and at its end what the failures said
#
#	t/lib/prove.sh [OPTION...] FILE...	as prove itself
#
# prove tells which tests failed and throws away why.  A failure that is seen
# once in a hundred runs has to say everything that once, so all TAP is kept
# under build/t/tap, and what led to each `not ok` is shown after the summary.

tap=build/t/tap
context=40 # lines of diagnosis, before a test's verdict or after

rm -rf "$tap"
mkdir -p "$tap"
PERL_TEST_HARNESS_DUMP_TAP=$tap prove "$@"
rc=$?

# Whole files of what did not even get to a plan; what follows a `not ok`.
if [ $rc -ne 0 ]; then
	find "$tap" -type f | LC_ALL=C sort | while read -r file; do
		awk -v name="${file#"$tap"/}" -v most=$context '
			function show(line) {
				if (!shown++)
					print "\n" name
				print "  " line
			}
			/^not ok/ && !/# TO[D]O/ {
				for (i = 1; i <= before; i++)
					show(said[i])
				left = most
				before = 0
				show($0)
				next
			}
			/^Bail out!/ { show($0); next }
			/^#/ && left > 0 { left--; show($0); next }
			/^#/ && before < most { said[++before] = $0 }
			/^(ok|not ok)/ { left = before = 0 }
			/^1\.\./ { planned = 1 }
			{ last[NR % 40] = $0 }
			END {
				if (planned)
					exit
				show("no plan; its last lines:")
				for (i = NR + 1; i <= NR + 40; i++)
					if (i % 40 in last)
						show(last[i % 40])
			}' "$file"
	done
fi
exit $rc
