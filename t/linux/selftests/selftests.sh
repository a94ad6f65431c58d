# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# selftests.sh - Linux's own selftests: fetched, built by its own Makefiles, run
#
# The source is that of the kernel we run; what of it is run, and what is not and
# why, is in the list beside this.  Both machines get the same files, and the same first
# process, the init here.
#
#	selftests_need          all of it is there and built
#	selftests_choose ALL    what is to be run: the brief ones, or with a word all
#	selftests_native        run that in the rig, whose kernel is no guest
#	selftests_guest         run that in a guest
#	selftests_verdicts      stdin is what one of them said: a line for each
#	                        program, with its arguments, a bar and its verdict
#
# A verdict is how the program ended, and how many of its lines say that something
# is so, is not so, and was skipped: "pass 12/0/1".

. t/linux/linux.sh

selftests_list=t/linux/selftests/list
selftests_out=build/t/selftests
selftests_tree=$selftests_out/tree
selftests_limit=${SELFTESTS_LIMIT:-400}	# seconds for each, on a busy machine

# selftests_rows WORD... - the rows of the list that begin so, without the word
selftests_rows() {
	for word in "$@"; do
		sed -n "s/^$word  *//p" $selftests_list
	done
}

# selftests_build SOURCE - what fails here is missed later, by its name
selftests_build() {
	for folder in $(selftests_rows folder); do
		mkdir -p "$selftests_out/bin/$folder" $selftests_out/make
		make -s -k -C "$1/tools/testing/selftests/$folder" \
			OUTPUT="$PWD/$selftests_out/bin/$folder" \
			KHDR_INCLUDES='-isystem /usr/include/x86_64-linux-gnu' \
			>"$selftests_out/make/$(echo "$folder" | tr / -)" 2>&1
	done
}

# selftests_programs - all that the Makefiles have made
selftests_programs() {
	for folder in $(selftests_rows folder); do
		find "$selftests_out/bin/$folder" -maxdepth 1 -type f -executable \
			! -name '*.so' -printf "$folder/%f\n"
	done
}

# selftests_fill - the tree that both machines have
selftests_fill() {
	rm -rf $selftests_tree
	mkdir -p $selftests_tree/bin $selftests_tree/usr/t
	for folder in $(selftests_rows folder); do
		mkdir -p "$selftests_tree/usr/t/$folder"
		find "$selftests_out/bin/$folder" -maxdepth 1 -type f -executable \
			-exec install -s -t "$selftests_tree/usr/t/$folder" {} +
	done
	# shellcheck disable=SC2046 # they are words
	{
		ldd $(find $selftests_tree/usr/t -type f) 2>/dev/null |
			sed -n 's/^\t\(.*=> \)\?\(\/[^ ]*\) .*/\2/p'
		# It is loaded when a thread is cancelled.
		readlink -f "$(gcc -print-file-name=libgcc_s.so.1)" \
			"$(gcc -m32 -print-file-name=libgcc_s.so.1)"
	} | sort -u | while read -r library; do
		mkdir -p "$selftests_tree/${library%/*}"
		cp -L "$library" "$selftests_tree/$library"
	done
	cp "$(command -v busybox)" $selftests_tree/bin/
	install t/linux/selftests/init $selftests_tree/init
	install $linux_out/run $selftests_tree/bin/
	ln -s /var/huge $selftests_tree/usr/t/vm/huge
	echo "$selftests_limit" >$selftests_tree/limit
}

selftests_need() {
	make -s $linux_out/run || bail_out 'not built'
	linux_need
	selftests_source=$(kernel_selftests "$(kernel_release)") || {
		echo "1..0 # SKIP the source of $(kernel_release) cannot be fetched"
		exit
	}
	selftests_build "$selftests_source"
	selftests_fill || bail_out 'no tree for selftests'
}

selftests_choose() {
	# shellcheck disable=SC2086 # they are words
	selftests_rows brief ${1:+run told} | while read -r program arguments; do
		[ ! -e "$selftests_out/bin/$program" ] ||
			echo "$program${arguments:+ $arguments}"
	done >$selftests_tree/list
	(cd $selftests_tree && find . | cpio --quiet -o -H newc) \
		>$selftests_out/initrd || bail_out 'no initrd'
}

# In memory, as in a guest, and with namespaces of its own, whose root it is: who
# is in a chroot may not do all that root may.
selftests_native() {
	rig_exec -f -m "${LG_MODEL:-amd}" -t "$linux_limit" -- "mkdir /tmp/st &&
		mount -t tmpfs st /tmp/st && cp -a $selftests_tree/. /tmp/st/ &&
		exec busybox unshare -m -p -f sh -c '
		cd /tmp/st && mount --move . / &&
		exec chroot . /bin/busybox sh /init stay'"
}

selftests_guest() {
	linux_initrd=$selftests_out/initrd
	linux_run -c 2 -m 512 -- quiet "$@"
}

selftests_verdicts() {
	tr -d '\r' | awk '
	/^@ / {
		program = substr($0, 3)
		yes = no = left = 0
	}
	/^= / { printf "%s|%s %d/%d/%d\n", program, $2, yes, no, left }
	!/^\| / { next }
	{ line = tolower(substr($0, 3)) }
	line ~ /^ok .*# *skip/ || line ~ /\[ *skip(ped)? *\]/ { left++; next }
	line ~ /^not ok / || line ~ /\[ *fail(ed)? *\]/ { no++; next }
	line ~ /^ok / || line ~ /\[ *(ok|pass(ed)?) *\]/ { yes++ }'
}
