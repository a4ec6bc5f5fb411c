// The role table as text for docs/roles.md.
#include "mirror/role.hpp"

namespace tandem::mirror {

namespace {

std::string states_text(unsigned states) {
  std::string text;
  for (unsigned i = 0; i <= static_cast<unsigned>(RoleState::active_mirrored); ++i) {
    if ((states & (1U << i)) == 0) continue;
    if (!text.empty()) text += ", ";
    text += role_state_name(static_cast<RoleState>(i));
  }
  return text;
}

}  // namespace

std::string role_table_markdown() {
  std::string text = "| rule | state | when (first row that holds) | action | sentence |\n|---|---|---|---|---|\n";
  for (const RoleRow& row : role_table()) {
    text += "| ";
    text += row.rule;
    text += " | " + states_text(row.states) + " | ";
    text += row.condition;
    text += " | ";
    text += role_action_name(row.action);
    text += " | ";
    text += row.sentence;
    text += " |\n";
  }
  return text;
}

}  // namespace tandem::mirror
