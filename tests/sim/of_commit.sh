# of_commit.sh SIM_TEST SOURCE_DIR ARGS...: runs the simulation with fresh seeds that follow from the commit of SOURCE_DIR; without
# a repository from the time.
sim_test=$1
source=$2
shift 2
commit=$(git -c safe.directory='*' -C "$source" rev-parse --short=8 HEAD 2>/dev/null) || commit=
if [ -n "$commit" ]; then
  set -- "$@" --first "$((0x$commit * 10000 + 1))"
fi
exec "$sim_test" "$@"
