#!/bin/bash
# Boots a Debian in a folder as a machine of its own: systemd as process 1, in namespaces of its own for processes, mounts,
# names and control groups. Its network is the one that this is started in.
#
# usage: boot.sh BASE OWN HOSTNAME STICK GROUP
#   BASE   folder with the system, shared and never written to
#   OWN    folder of this machine: what it changes
#   STICK  folder that it sees as /media/usb
#   GROUP  name of its control group on this machine
# What it prints is the console. Ends when the machine does; killing it is a power cut. Needs root.
set -eu

if [[ ${STAGE:-1} = 1 ]]; then
  groups=$(mktemp -d)
  mount -t cgroup2 none "$groups"
  mkdir -p "$groups/$5"
  echo $$ >"$groups/$5/cgroup.procs"
  umount "$groups"
  rmdir "$groups"
  STAGE=2 exec unshare --cgroup --pid --mount --uts --ipc --fork --kill-child "$0" "$@"
fi

base=$1 own=$2 name=$3 stick=$4
root=$own/root
mkdir -p "$root" "$own/changes" "$own/work"
mount --make-rprivate /
rm -rf "$own/work"/*  # also the mark that it was not unmounted in order
mount -t overlay -o "volatile,lowerdir=$base,upperdir=$own/changes,workdir=$own/work" overlay "$root"  # without fsync
mount -t proc proc "$root/proc"
# What is the whole computer's is not the machine's to set; its network is.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mkdir -p "$root/media/usb"
mount --bind "$stick" "$root/media/usb"
echo "$name" >"$root/etc/hostname"
hostname "$name"
cd "$root"
mkdir -p run/before
pivot_root . run/before
umount -l run/before
rmdir run/before
exec setpriv --bounding-set -sys_module,-sys_rawio,-sys_time,-sys_boot env -i container=other TERM=dumb \
  PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal --show-status=no \
  --unit=multi-user.target
