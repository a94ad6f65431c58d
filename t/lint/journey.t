#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Whoever follows "Next:" from README.md reads every source file once.
#
# The order is part of what we ship: a new file has a place in the story or the
# story has a hole in it.  Headers may be stops too; .c and .S files must be.

. t/lib/lint.sh

stops=$(sh "$lint_lib/journey.sh")
end=$(echo "$stops" | tail -n 1)

# missed - sources that the chain goes past
missed() {
	sources '*.c' '*.S' | grep -E '^(hypervisor|daemon|guestos)/' |
		while read -r file; do
			echo "$stops" | grep -qxF "$file" || echo "$file"
		done
}

plan 2
is "$end" 'the end' 'the journey from README.md comes to an end'
clean "$(missed)" \
	'it visits every .c and .S of hypervisor, daemon and guestos'
