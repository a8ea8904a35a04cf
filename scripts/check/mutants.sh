#!/bin/sh
# Breaks the refresh engine in every way that cargo-mutants knows, one at a time, and shows what no test notices.
# usage: mutants.sh [cargo-mutants' own options, as --list or --shard 1/8 or --re 'refresh/pace[.]rs']
# What is left out, and why: .cargo/mutants.toml. What was found: target/mutants.out/missed.txt. All of it takes an hour or two.
set -eu
version=27.1.0
tools=target/tools
if ! $tools/bin/cargo-mutants mutants --version 2>/dev/null | grep -q " $version\$"; then
    cargo install cargo-mutants --locked --version $version --root $tools
fi
# Each mutant is built and tested in a copy, so that the sources stay as they are. What the copy is linked with is built once.
PATH=$PWD/$tools/bin:$PATH
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/mutated
export PATH CARGO_TARGET_DIR
broken() {
    nice cargo mutants --package entrakey-core --output target "$@"
}
# Most mutants are noticed by tests of less than a second in all: these eight take ten times as long, and judge only what is left.
case " $* " in *" --list "*) ;; *)
    missed=2 timed_out=3
    broken "$@" -- --locked refresh -- --skip what_happens_to_one_listener_does_not_touch \
        --skip whoever_hands_out_the_ends_of_tokens --skip hundreds_that_stall_for_ever --skip who_sees_a_version_finds \
        --skip a_hundred_thousand_who_wait --skip an_answer_that_no_thread_could_be_had_for \
        --skip an_error_that_never_ends --skip an_opaque_token_is_the_end && exit
    case $? in $missed | $timed_out) ;; *) exit 1 ;; esac
esac
broken --iterate "$@" -- --locked refresh
