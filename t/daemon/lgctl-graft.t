#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's file may name a distribution's kernel; lgctl has a guest made of it.
#
# What lguest-graft does is t/unit/graft-link.t's; here it is a script that says
# what it was asked, and what it makes is a script of t/lib/fake_run.c.

. t/lib/tap.sh
. t/lib/lgctl.sh

lguestd_start
made=$tmp/made.kernel
cat >"$tmp/graft" <<EOT
#!/bin/sh
echo "\$*" >>"$tmp/asked"
case \$1 in
-nq)
	[ ! -e "$tmp/refuse" ] || { echo 'lguest-graft: it is a poem' >&2; exit 3; }
	[ -e "$made" ] || exit 5
	;;
*)
	echo 'lguest-graft: 1/1 making it' >&2
	[ ! -e "$tmp/fail" ] || { echo 'lguest-graft: no room' >&2; exit 1; }
	printf 'print made\nwait\n' >"$made"
	;;
esac
echo "$made"
EOT
chmod +x "$tmp/graft"
export LGUEST_GRAFT="$tmp/graft"

# said STATUS OUT ERR NAME - how the last lgctl ended
said() {
	is "$rc|$(echo "$out" | sed "s,$tmp,@,g")|$(echo "$err" |
		sed "s,$tmp,@,g")" "$1|$2|$3" "$4"
}

# A file with what a boot loader looks for; it is no kernel otherwise.
guest web 'x'
head -c 514 /dev/zero >"$tmp/web.kernel"
printf 'HdrS' >>"$tmp/web.kernel"

lgctl check "$tmp/web.yaml"
said 0 '' "lgctl: vm 'web': kernel '@/web.kernel': create will make a guest of it, which takes a minute, once" \
	'check says what create will do'
lgctl create --dry-run --quiet "$tmp/web.yaml"
is "$rc|$err" '0|' 'a dry run does nothing'
is "$(cat "$tmp/asked")" "-nq -- $tmp/web.kernel" 'and neither makes any'

: >"$tmp/fail"
lgctl create "$tmp/web.yaml"
said 1 '' "lgctl: vm 'web': kernel '@/web.kernel': making a guest of it, which takes a minute, once
lguest-graft: 1/1 making it
lguest-graft: no room
lgctl: vm 'web': kernel '@/web.kernel': no guest could be made of it" \
	'what fails there is told as it was told'
rm "$tmp/fail"
: >"$tmp/refuse"
lgctl create "$tmp/web.yaml"
said 1 '' "lguest-graft: it is a poem
lgctl: vm 'web': kernel '@/web.kernel': no guest could be made of it" \
	'what cannot be is not tried'
rm "$tmp/refuse"

lgctl create "$tmp/web.yaml"
said 0 '' "lgctl: vm 'web': kernel '@/web.kernel': making a guest of it, which takes a minute, once
lguest-graft: 1/1 making it" 'create makes it, and says so'
await made build/asan/lgctl logs web
lgctl info web
like "$out" '^state +running' 'and it runs'
lgctl destroy web
: >"$tmp/asked"
lgctl create "$tmp/web.yaml"
said 0 '' '' 'the next time it is there already'
is "$(cat "$tmp/asked")" "-nq -- $tmp/web.kernel" 'which is all that is asked'
lgctl check "$tmp/web.yaml"
said 0 '' '' 'and check has nothing to say'
rm "$made"
lgctl destroy web
lgctl create -q "$tmp/web.yaml"
is "$(tail -n 1 "$tmp/asked")" "-q -- $tmp/web.kernel" 'quiet means both'
export LGUEST_GRAFT=/nonexistent
lgctl create "$tmp/web.yaml"
said 1 '' "lgctl: vm 'web': kernel '@/web.kernel': a distribution's, and lguest-graft, which makes a guest of it, cannot be run: No such file or directory" \
	'without it there is no such guest'
rm "$tmp/web.kernel"
lgctl check "$tmp/web.yaml"
said 0 '' '' 'a kernel that is not here is not looked at by check'
lguestd_stop
ok $? 'lguestd has nothing to complain of'
done_testing
