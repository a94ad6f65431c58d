#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `make install` puts every file where it is looked for, and uninstall takes
# each of them away again; what somebody has edited is nobody's but his.

. t/lib/tap.sh

tap_tmp
unset MAKEFLAGS MAKELEVEL MFLAGS
root=$tmp/root
KDIR=$(make -s kdir)
export KDIR

# into WHAT [VAR=VALUE...] - make WHAT with DESTDIR
into() {
	make -s DESTDIR="$root" "$@" >"$tmp/out" 2>&1
}

files() {
	(cd "$root" && find . -type f | sed 's/^\.//' | LC_ALL=C sort)
}

# unknown - programs that units name and nobody has installed
unknown() {
	cat "$root"/usr/lib/systemd/system/* |
		sed -nE 's,^Exec[A-Za-z]*=-?(/[^ ]*).*,\1,p' | sort -u |
		while read -r program; do
			[ -x "$root$program" ] || echo "$program"
		done
}

plan 19
into install
ok $? 'it installs into a folder of its own' || diag "$(cat "$tmp/out")"
is "$(files)" "$(PREFIX=/usr systemd/install.sh list | LC_ALL=C sort)" \
	'all that is on the list is there, and nothing else'
clean "$(files | while read -r file; do
	[ -s "$root$file" ] || echo "$file"
done)" 'no file is empty'
for program in sbin/lguestd bin/lgctl lib/lguest/lguest-run sbin/lguest-graft; do
	[ -x "$root/usr/$program" ]
	ok $? "/usr/$program can be executed"
done
clean "$(unknown)" 'units start programs that are there'
is "$(find "$root" -perm /022 ! -type l)" '' 'only root can write to any of it'
magic=$(modinfo -F vermagic build/lg.ko)
like "$(files)" "^/usr/lib/modules/${magic%% *}/updates/lg\.ko$" \
	'the module is where modprobe of its kernel looks'

# ---- again, over what is there ----
conf=/etc/lguest/guests/hello.yaml
echo '# mine' >>"$root$conf"
into install
[ ! -e "$root$conf.new" ]
ok $? 'an edited sample is not told of when there is nothing new'
for name in lguestd.yaml guests/hello.yaml; do
	echo '# old' >"$root/usr/share/lguest/config/$name"
done
echo '# old' >"$root/etc/lguest/lguestd.yaml"
into install
like "$(cat "$root$conf")" '^# mine$' 'and stays as it is when there is'
cmp -s "$root$conf.new" config/guests/hello.yaml
ok $? 'with the new one beside it'
cmp -s "$root/etc/lguest/lguestd.yaml" config/lguestd.yaml
ok $? 'one that nobody has edited is replaced'

# ---- away ----
into uninstall
ok $? 'it can be uninstalled' || diag "$(cat "$tmp/out")"
is "$(files)" "$conf" 'nothing is left but what was edited'
rm "$root$conf"
into install && into uninstall
is "$(files; find "$root" -depth -name '*lguest*')" '' \
	'and nothing at all if nothing was'

root=$tmp/local
into install PREFIX=/usr/local
is "$(sed -n 's/^ExecStart=//p' \
	"$root/usr/local/lib/systemd/system/lguestd.service")" \
	/usr/local/sbin/lguestd 'units follow PREFIX'
clean "$(grep -rhEo '/usr/[a-z/]*/l(guest|gctl)[a-z./-]*' "$root" \
	--include='*.service' --include='*.yaml' | grep -v '^/usr/local/')" \
	'and so does whatever else has a path'
