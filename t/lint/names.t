#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the ABI names, its README explains; nothing we write is too long to read.
#
# A file of more than 500 lines or a function of more than 60 says why in its
# comment, on a line that starts "Long because".

. t/lib/lint.sh

abi=hypervisor/include/lguest
name='\(LG\|LGUEST\|LHCALL\)_[A-Z0-9_]*'

# unexplained - constants of the ABI headers that the README does not mention
unexplained() {
	sed -n "s/^[ \t]*#[ \t]*define[ \t]*\($name\)[ \t(].*/\1/p;
		s/^[ \t]*\($name\)\( = [^,]*\)\?,.*/\1/p" "$abi"/*.h |
		sort -u | while read -r constant; do
			grep -qsw "$constant" "$abi/README.md" || echo "$constant"
		done
}

# unborn - constants that the README explains and no header defines
unborn() {
	grep -osw "$name" "$abi/README.md" | sort -u | while read -r constant; do
		# A name that ends in an underscore stands for a family.
		case $constant in *_) continue ;; esac
		grep -qw "$constant" "$abi"/*.h || echo "$constant"
	done
}

# slashes - // comments, apart from the SPDX line; strings do not count
# shellcheck disable=SC2016 # the dollars are perl's
slashes() {
	sources '*.[ch]' | xargs perl -0777 -ne '
		s{("(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27)|/\*.*?\*/}
			{ $1 ? "" : "\n" x ($& =~ tr/\n//) }gse;
		my $line = 0;
		for (split /\n/) {
			$line++;
			print "$ARGV:$line: $_\n" if m{//} && !m{^// SPDX};
		}'
}

# crowded - files that ought to be two
crowded() {
	sources '*.[chS]' '*.lds' '*.sh' '*.t' '*.py' '*.mk' Makefile Kbuild |
		while read -r file; do
			lines=$(wc -l <"$file")
			[ "$lines" -le 500 ] || excused "$file" ||
				echo "$file: $lines lines"
		done
}

excused() {
	head -n 40 "$1" | grep -q '^[ #/*]*Long because'
}

# winding - functions longer than 60 lines from brace to brace
# shellcheck disable=SC2016 # and these are awk's
winding() {
	sources '*.c' '*.h' | xargs awk '
		FNR == 1 { excuse = start = 0 }
		/^[ \/*]*Long because/ { excuse = 1 }
		/^[a-z].*\)$/ || /^[a-z].*\($/ || /^[a-z].*,$/ { head = $0 }
		/^{/ { start = FNR }
		/^}/ {
			if (start && FNR - start > 60 && !excuse)
				printf "%s:%d: %d lines: %s\n", FILENAME,
					start, FNR - start, head
			excuse = start = 0
		}'
}

plan 5
clean "$(unexplained)" "every constant of the ABI is in $abi/README.md"
clean "$(unborn)" 'and every constant that is there exists'
clean "$(slashes)" 'comments are /* like this */, SPDX lines excepted'
clean "$(crowded)" 'no file is longer than 500 lines without a reason'
clean "$(winding)" 'no function is longer than 60 lines without a reason'
