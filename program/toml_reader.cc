#include "program/toml_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "program/escape.h"
#include "program/trusted_file.h"

namespace detach {

using Milliseconds = std::chrono::milliseconds;

// A message is one line, whatever stands in the file.
constexpr std::size_t kMaxMessage = 4096;

struct TomlDocument {
  std::string path;
  toml::table root;
  std::set<const toml::node*> asked_for;
  std::set<const toml::node*> left;        // to another reader, or complained of, with all below
  std::set<const toml::table*> rest_left;  // what is not asked for in these is
  std::string first_complaint;

  std::string PositionOf(const toml::source_region& source) const {
    return path + ':' + std::to_string(source.begin.line) + ':' +
           std::to_string(source.begin.column);
  }
  void Complain(std::string_view position, std::string_view problem) {
    if (!first_complaint.empty()) return;
    first_complaint = EscapeBytes(std::string(position) + ": " + std::string(problem), kMaxMessage);
  }
};

struct TomlTable::Node {
  std::shared_ptr<TomlDocument> document;
  const toml::table* table;  // null: absent
  std::string prefix;        // of its keys in messages, as in "tls."
  std::string position;

  std::string Name(std::string_view key) const { return "\"" + prefix + std::string(key) + "\""; }

  std::string PositionOf(const toml::node& node) const {
    return document->PositionOf(node.source());
  }

  const toml::node* Ask(std::string_view key) const {
    const toml::node* node = table != nullptr ? table->get(key) : nullptr;
    if (node != nullptr) document->asked_for.insert(node);
    return node;
  }

  // What is in a value of another type is not asked for: this is the complaint, and not its keys.
  void WantsA(std::string_view type, std::string_view key, const toml::node& node) const {
    document->left.insert(&node);
    document->Complain(PositionOf(node), Name(key) + " must be " + std::string(type));
  }

  void Missing(std::string_view key, std::string_view what) const {
    document->Complain(position, Name(key) + " is missing; " + std::string(what));
  }

  // Read returns the value of `key` if it is there and a T.
  template <typename T>
  std::optional<T> Read(std::string_view key, std::string_view type) const {
    const toml::node* node = Ask(key);
    if (node == nullptr) return std::nullopt;
    std::optional<T> value = node->value_exact<T>();
    if (!value) WantsA(type, key, *node);
    return value;
  }

  TomlTable Child(const toml::table* child, std::string_view key) const {
    const std::string at = child != nullptr ? document->PositionOf(child->source()) : position;
    return TomlTable(
        std::make_shared<const Node>(Node{document, child, prefix + std::string(key) + '.', at}));
  }
};

namespace {

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool IsLeft(const TomlDocument& document, const toml::table& table, const toml::node& value) {
  return document.left.count(&value) != 0 ||
         (document.rest_left.count(&table) != 0 && document.asked_for.count(&value) == 0);
}

// UnknownKey complains of the first key in `node`, or below it, that no read asked for.
std::string UnknownKey(const TomlDocument& document, const toml::node& node) {
  std::string complaint;
  if (const toml::array* array = node.as_array()) {
    for (auto i = array->begin(); i != array->end() && complaint.empty(); ++i) {
      complaint = UnknownKey(document, *i);
    }
  }
  if (const toml::table* table = node.as_table()) {
    for (auto i = table->begin(); i != table->end() && complaint.empty(); ++i) {
      const toml::key& key = i->first;
      if (IsLeft(document, *table, i->second)) continue;
      complaint = document.asked_for.count(&i->second) != 0
                      ? UnknownKey(document, i->second)
                      : document.PositionOf(key.source()) + ": unknown key " + Quoted(key.str()) +
                            "; correct or remove it";
    }
  }
  return complaint;
}

std::string OneOf(const std::vector<std::string>& choices) {
  std::string text;
  for (const std::string& choice : choices) {
    text += (text.empty() ? "" : ", ") + Quoted(choice);
  }
  return text;
}

std::optional<Milliseconds> ParseDuration(std::string_view text) {
  constexpr Milliseconds kMax = std::chrono::hours(24 * 365);
  std::int64_t number = 0;
  const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest = text.substr(static_cast<std::size_t>(unit - text.data()));
  const std::int64_t scale = rest == "ms"  ? 1
                             : rest == "s" ? 1000
                             : rest == "m" ? 60'000
                             : rest == "h" ? 3'600'000
                                           : 0;
  if (error != std::errc() || scale == 0 || number < 1 || number > kMax.count() / scale) {
    return std::nullopt;
  }
  return Milliseconds(number * scale);
}

}  // namespace

std::string TomlTable::position() const { return node_->position; }

bool TomlTable::Has(std::string_view key) const { return node_->Ask(key) != nullptr; }

void TomlTable::LeaveToAnother(std::string_view key) {
  const toml::node* node = node_->table != nullptr ? node_->table->get(key) : nullptr;
  if (node != nullptr) node_->document->left.insert(node);
}

void TomlTable::LeaveTheRest() {
  if (node_->table != nullptr) node_->document->rest_left.insert(node_->table);
}

void TomlTable::Fail(std::string_view position, std::string_view problem) {
  node_->document->Complain(position, problem);
}

void TomlTable::Fail(const Status& status) {
  std::string& first = node_->document->first_complaint;
  if (first.empty()) first = status.message();
}

LocatedString TomlTable::String(std::string_view key, std::string_view absent) {
  const std::optional<std::string> value = node_->Read<std::string>(key, "a string");
  if (!value) return {std::string(absent), node_->position};
  return {*value, node_->PositionOf(*node_->table->get(key))};
}

LocatedString TomlTable::RequiredString(std::string_view key) {
  LocatedString value = String(key);
  if (!Has(key)) node_->Missing(key, "add it");
  if (Has(key) && value.empty()) Fail(value.position, node_->Name(key) + " must not be empty");
  return value;
}

LocatedString TomlTable::Choice(std::string_view key, const std::vector<std::string>& choices,
                                std::string_view absent) {
  LocatedString value = String(key, absent);
  if (std::find(choices.begin(), choices.end(), value.text) == choices.end()) {
    Fail(value.position,
         node_->Name(key) + " is " + Quoted(value.text) + ", which is none of " + OneOf(choices));
    value.text = absent;
  }
  return value;
}

std::vector<LocatedString> TomlTable::Strings(std::string_view key) {
  const toml::node* node = node_->Ask(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    node_->WantsA("an array of strings", key, *node);
    return {};
  }
  std::vector<LocatedString> values;
  for (const toml::node& element : *array) {
    const std::optional<std::string> text = element.value_exact<std::string>();
    if (!text) node_->WantsA("an array of strings", key, element);
    values.push_back({text.value_or(""), node_->PositionOf(element)});
  }
  return values;
}

std::vector<LocatedString> TomlTable::RequiredStrings(std::string_view key) {
  std::vector<LocatedString> values = Strings(key);
  const toml::node* node = node_->Ask(key);
  if (node == nullptr) node_->Missing(key, "add it");
  if (node != nullptr && values.empty()) {
    Fail(node_->PositionOf(*node), node_->Name(key) + " must not be empty");
  }
  return values;
}

bool TomlTable::Bool(std::string_view key, bool absent) {
  return node_->Read<bool>(key, "true or false").value_or(absent);
}

std::int64_t TomlTable::Integer(std::string_view key, std::int64_t absent, std::int64_t min,
                                std::int64_t max) {
  const auto value = node_->Read<std::int64_t>(key, "a whole number");
  if (!value) return absent;
  if (*value >= min && *value <= max) return *value;
  Fail(node_->PositionOf(*node_->table->get(key)),
       node_->Name(key) + " is " + std::to_string(*value) + "; it must be from " +
           std::to_string(min) + " to " + std::to_string(max));
  return absent;
}

Milliseconds TomlTable::Duration(std::string_view key, Milliseconds absent) {
  const LocatedString text = String(key);
  if (!Has(key)) return absent;
  const std::optional<Milliseconds> value = ParseDuration(text.text);
  if (!value) {
    Fail(text.position, node_->Name(key) + " is " + Quoted(text.text) +
                            "; write a number and ms, s, m or h, such as \"10s\"");
  }
  return value.value_or(absent);
}

TomlTable TomlTable::Table(std::string_view key) {
  const toml::node* node = node_->Ask(key);
  const toml::table* table = node != nullptr ? node->as_table() : nullptr;
  if (node != nullptr && table == nullptr) node_->WantsA("a table", key, *node);
  return node_->Child(table, key);
}

std::vector<TomlTable> TomlTable::Tables(std::string_view key) {
  const toml::node* node = node_->Ask(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  const bool tables = array != nullptr && (array->empty() || array->is_array_of_tables());
  if (!tables) {
    node_->WantsA("an array of tables, each headed [[" + std::string(key) + "]]", key, *node);
    return {};
  }
  std::vector<TomlTable> values;
  for (const toml::node& element : *array) values.push_back(node_->Child(element.as_table(), key));
  return values;
}

Result<TomlReader> TomlReader::Open(const std::string& path) {
  Result<std::string> contents = ReadTrustedFile(path);
  if (!contents.ok()) return contents.status();
  auto document = std::make_shared<TomlDocument>();
  document->path = path;
  try {
    document->root = toml::parse(*contents);
  } catch (const toml::parse_error& error) {
    return Misuse(
        EscapeBytes(document->PositionOf(error.source()) + ": " + std::string(error.description()),
                    kMaxMessage));
  }
  return TomlReader(std::move(document));
}

TomlTable TomlReader::root() const {
  return TomlTable(std::make_shared<const TomlTable::Node>(
      TomlTable::Node{document_, &document_->root, "", document_->path + ":1:1"}));
}

Status TomlReader::Finish() const {
  const std::string unknown = UnknownKey(*document_, document_->root);
  if (!unknown.empty()) return Misuse(EscapeBytes(unknown, kMaxMessage));
  if (!document_->first_complaint.empty()) return Misuse(document_->first_complaint);
  return {};
}

}  // namespace detach
