// The subjects; each registers its benchmarks as SUBJECT/CURVE/SIZE (curves.py draws a curve over its sizes).
#pragma once

#include "tests/bench/micro/stage.hpp"

namespace tandem::micro {

void register_codec(Stage& stage);
void register_matching(Stage& stage);
void register_retained(Stage& stage);
void register_queued(Stage& stage);
void register_sessions(Stage& stage);
void register_records(Stage& stage);
void register_gate(Stage& stage);
void register_turn(Stage& stage);
void register_image(Stage& stage);

}  // namespace tandem::micro
