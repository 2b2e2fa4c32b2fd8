// Strict reading of a TOML file: what nobody asks for is an error, and every error has a position.
#ifndef DETACH_PROGRAM_TOML_READER_H_
#define DETACH_PROGRAM_TOML_READER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bio/status.h"

namespace detach {

// LocatedString is a text from a file. `position` is its "path:line:column", with which every
// complaint about it begins, whenever it is made.
struct LocatedString {
  std::string text;
  std::string position;

  bool empty() const { return text.empty(); }
};

struct TomlDocument;

// TomlTable reads one table by its keys. The first complaint is kept by the document, and reading
// goes on with defaults, so a schema is a list of reads; TomlReader::Finish tells. A key that is
// absent has the position of its table. Refers to its TomlReader's document.
class TomlTable {
 public:
  std::string position() const;
  bool Has(std::string_view key) const;

  LocatedString String(std::string_view key, std::string_view absent = "");
  LocatedString RequiredString(std::string_view key);  // not empty
  LocatedString Choice(std::string_view key, const std::vector<std::string>& choices,
                       std::string_view absent);
  std::vector<LocatedString> Strings(std::string_view key);
  std::vector<LocatedString> RequiredStrings(std::string_view key);  // at least one
  bool Bool(std::string_view key, bool absent);
  std::int64_t Integer(std::string_view key, std::int64_t absent, std::int64_t min,
                       std::int64_t max);

  // Duration reads "500ms", "10s", "5m" or "24h"; at least 1 ms, at most a year.
  std::chrono::milliseconds Duration(std::string_view key, std::chrono::milliseconds absent);

  // Table returns the table `key`; where it is absent, an empty one.
  TomlTable Table(std::string_view key);

  // Tables returns the elements of the array of tables `key`.
  std::vector<TomlTable> Tables(std::string_view key);

  // LeaveToAnother leaves `key`, and what is below it, to another reader of the same file.
  void LeaveToAnother(std::string_view key);

  // LeaveTheRest leaves to another reader of the same file whatever nobody asks this table for.
  void LeaveTheRest();

  // Fail complains of `problem` (what is wrong, and what to do) at `position`.
  void Fail(std::string_view position, std::string_view problem);

  // Fail passes on what another reader of the same file complains of: `status` has the position.
  void Fail(const Status& status);

 private:
  friend class TomlReader;
  struct Node;
  explicit TomlTable(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  std::shared_ptr<const Node> node_;
};

// TomlReader owns a parsed file.
class TomlReader {
 public:
  // Open reads `path` by ReadTrustedFile. The one-line messages of all errors (kMisuse) begin with
  // the path, and from a syntax error on with "path:line:column: ".
  static Result<TomlReader> Open(const std::string& path);

  TomlTable root() const;

  // Finish returns what is wrong: a key that no read asked for or left to another reader, else the
  // first complaint.
  Status Finish() const;

 private:
  explicit TomlReader(std::shared_ptr<TomlDocument> document) : document_(std::move(document)) {}

  std::shared_ptr<TomlDocument> document_;
};

}  // namespace detach

#endif  // DETACH_PROGRAM_TOML_READER_H_
