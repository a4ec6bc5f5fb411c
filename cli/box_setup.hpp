// The last step of `tandemctl setup pair` and `join`: a plan is checked against this box, and its files are written.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/keepalived_check.hpp"
#include "cli/pair_plan.hpp"

namespace tandem::cli {

// How a join file's lines are called, for somebody who has given no such options.
WhatItIsCalled words_of_join();

// True: this box is set up, and it has been said which files were written. Otherwise everything that is wrong has been
// said, and nothing was written.
bool set_up_box(const PairPlan& plan, const SetupPlaces& places, const WhatItIsCalled& called);

std::string join_file_path(const PairPlan& plan, const SetupPlaces& places);  // of the other box

}  // namespace tandem::cli
