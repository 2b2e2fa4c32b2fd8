// Prints docs/STATE-MACHINE.md from the state table.
#include <algorithm>
#include <cctype>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "bio/session/state_table.h"

namespace detach {
namespace {

// Capitalized returns `name` as one word for a diagram's identifier: "TLS", "Raw", "Handshake".
std::string Capitalized(std::string_view name) {
  std::string word(name);
  word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

std::string Id(State state) {
  return Capitalized(Name(state.sending)) + "_" + Capitalized(Name(state.receiving));
}

std::string Label(State state) {
  return "sending " + std::string(Name(state.sending)) + ", receiving " +
         std::string(Name(state.receiving));
}

std::string Effect(const Transition& row) {
  return row.action == Action::kSendCloseNotify ? "send close_notify" : "";
}

// Rows returns the rows that hold with `detachment`, in the order of the table.
std::vector<Transition> Rows(Detachment detachment) {
  std::vector<Transition> rows;
  for (const Transition& row : kTransitions) {
    if (row.detachment == Detachment::kAny || row.detachment == detachment) rows.push_back(row);
  }
  return rows;
}

void PrintDiagram(const std::vector<Transition>& rows) {
  std::cout << "```mermaid\nstateDiagram-v2\n  [*] --> " << Id(State{}) << "\n";
  std::vector<State> named;
  for (const Transition& row : rows) {
    if (std::find(named.begin(), named.end(), row.from) == named.end()) {
      named.push_back(row.from);
      std::cout << "  " << Id(row.from) << ": " << Label(row.from) << "\n";
    }
  }
  for (const Transition& row : rows) {
    const std::string effect = Effect(row);
    std::cout << "  " << Id(row.from) << " --> " << Id(row.to) << ": " << Name(row.event)
              << (effect.empty() ? "" : " / " + effect) << "\n";
  }
  std::cout << "```\n\n";
}

void PrintTable(const std::vector<Transition>& rows) {
  std::cout << "| sending | receiving | event | then sending | receiving | and | why |\n"
               "|---|---|---|---|---|---|---|\n";
  for (const Transition& row : rows) {
    std::cout << "| " << Name(row.from.sending) << " | " << Name(row.from.receiving) << " | "
              << Name(row.event) << " | " << Name(row.to.sending) << " | " << Name(row.to.receiving)
              << " | " << Effect(row) << " | " << row.why << " |\n";
  }
  std::cout << "\n";
}

void PrintMachine(std::string_view title, Detachment detachment) {
  std::cout << "## " << title << "\n\n";
  PrintDiagram(Rows(detachment));
  PrintTable(Rows(detachment));
}

void PrintAll() {
  std::cout << R"(# The state machine of a connection

<!-- Generated from bio/session/state_table.h. Do not edit; run
     bazel run //bio/session:print_state_machine > docs/STATE-MACHINE.md -->

A `TlsSession` has one state for each direction. It starts raw in both and comes back there after
every detach, so TLS can be entered and left any number of times on one connection. *upgrade* and
*detach* are what the owner asks for; *handshake done* and *close_notify received* are what the TLS
backend reports. What is not in the table is refused: `kMisuse` where the owner asks for it, and
nothing changes; `kViolation` where the peer does it, and the session is over. Failure is no state
of the table: the first error is latched beside it, for ever. The transport's end is no event of it
either: where a close_notify is due it is `kTruncated`, never a detach.

)";
  PrintMachine("TLS 1.3: half detach (RFC 9846 §6.1)", Detachment::kHalf);
  PrintMachine("TLS 1.2: quiesced detach (RFC 5246 §7.2.1)", Detachment::kQuiesced);
  std::cout
      << "While a direction is *handshake* or *closing*, `Write` is `kMisuse`: there is nothing"
         " that bytes could\ntravel in.\n";
}

}  // namespace
}  // namespace detach

int main() {
  detach::PrintAll();
  return 0;
}
