#include "provider/keeper/pkcs11/nss_databases.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "program/file_uri.h"
#include "program/token_uri.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPinSource = "pin-source=";

std::string Home() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return home;
  const passwd* user = ::getpwuid(::geteuid());
  return user != nullptr ? user->pw_dir : "/";
}

// The XDG base directory `variable`, by its default below the home.
fs::path BaseDirectory(const char* variable, const char* fallback) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value == '/' ? fs::path(value) : fs::path(Home()) / fallback;
}

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Chromium's own order.
std::vector<fs::path> OfChromium() {
  fs::path old = fs::path(Home()) / ".pki/nssdb";
  if (Exists(old)) return {old};
  return {BaseDirectory("XDG_DATA_HOME", ".local/share") / "pki/nssdb"};
}

// The profiles that `folder`/profiles.ini lists: sections with Path=, below the folder unless
// IsRelative=0.
std::vector<fs::path> ProfilesIn(const fs::path& folder) {
  std::vector<fs::path> profiles;
  std::ifstream file(folder / "profiles.ini");
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    // An absolute path stays one: so operator/ has it.
    if (line.starts_with("Path=")) profiles.push_back(folder / line.substr(5));
  }
  return profiles;
}

std::vector<fs::path> OfFirefox() {
  std::vector<fs::path> profiles = ProfilesIn(fs::path(Home()) / ".mozilla/firefox");
  for (fs::path& profile :
       ProfilesIn(BaseDirectory("XDG_CONFIG_HOME", ".config") / "mozilla/firefox")) {
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

// Why the database in `directory` is not opened; empty: it is.
std::string WhyNot(const fs::path& directory) {
  struct stat certificates = {};
  struct stat keys = {};
  if (::stat((directory / "cert9.db").c_str(), &certificates) != 0 ||
      ::stat((directory / "key4.db").c_str(), &keys) != 0) {
    return "has no NSS database (cert9.db, key4.db)";
  }
  constexpr mode_t kWrittenByOthers = S_IWGRP | S_IWOTH;
  if (((certificates.st_mode | keys.st_mode) & kWrittenByOthers) != 0) {
    const std::string file = (keys.st_mode & kWrittenByOthers) != 0 ? "key4.db" : "cert9.db";
    return "its " + file + " may be written by its group or by everybody; run: chmod go-w";
  }
  if ((keys.st_mode & S_IROTH) != 0) {
    return "its key4.db is secret, and may be read by everybody; run: chmod o-r";
  }
  // NSS's parameters have no certain way to write them.
  if (directory.string().find_first_of("'\"\\<>[](){}\n\r") != std::string::npos) {
    return "NSS cannot be told of a path with quotes, backslashes or brackets";
  }
  return {};
}

std::string NoneFound(const std::string& which) {
  const std::string whose = which == "chromium"  ? "Chromium"
                            : which == "firefox" ? "Firefox"
                                                 : "Chromium or Firefox";
  return "browser:" + which + ": " + whose + " has no database of certificates in " + Home() +
         "; it makes one when it is first used";
}

std::vector<fs::path> Candidates(const std::string& which) {
  if (which.starts_with("/")) return {which};
  if (which == "chromium") return OfChromium();
  if (which == "firefox") return OfFirefox();
  std::vector<fs::path> all = OfChromium();
  for (fs::path& profile : OfFirefox()) all.push_back(std::move(profile));
  return all;
}

}  // namespace

Result<BrowserUri> BrowserUri::Parse(const std::string& uri) {
  const std::string_view rest = std::string_view(uri).substr(kBrowserScheme.size());
  const std::size_t query = rest.find('?');
  BrowserUri parsed;
  parsed.which = rest.substr(0, query);
  const bool known = parsed.which.empty() || parsed.which == "chromium" ||
                     parsed.which == "firefox" || parsed.which.starts_with("/");
  if (!known) {
    return Misuse(
        "\"" + uri +
        "\": there are browser:, browser:chromium, browser:firefox, and browser: with the "
        "absolute path of a directory with an NSS database");
  }
  if (query == std::string_view::npos) return parsed;
  const std::string_view attribute = rest.substr(query + 1);
  const std::optional<std::string> path = attribute.starts_with(kPinSource)
                                              ? FilePath(attribute.substr(kPinSource.size()))
                                              : std::nullopt;
  // Without the URI: it may have a secret in it.
  if (!path) {
    return Misuse(
        "behind the question mark of browser: stands pin-source=file: with the absolute path of "
        "a file that holds the database's password, and nothing else");
  }
  parsed.pin_path = *path;
  return parsed;
}

NssDirectories FindNssDirectories(const BrowserUri& uri) {
  const bool named = uri.which.starts_with("/");
  NssDirectories directories;
  for (const fs::path& candidate : Candidates(uri.which)) {
    // A profile that has never been used has none yet.
    if (!named && !Exists(candidate / "cert9.db")) continue;
    const std::string reason = WhyNot(candidate);
    if (reason.empty()) {
      directories.found.push_back(candidate.lexically_normal().string());
    } else {
      directories.notices.push_back(candidate.string() + ": " + reason);
    }
  }
  if (directories.found.empty() && directories.notices.empty()) {
    directories.notices.push_back(NoneFound(uri.which));
  }
  return directories;
}

std::string NssFiles(const std::string& directory) {
  std::string files;
  for (const char* name : {"cert9.db", "key4.db"}) {
    struct stat status = {};
    ::stat((fs::path(directory) / name).c_str(), &status);
    files += std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + " ";
  }
  return files;
}

std::string NssParameters(const std::vector<std::string>& directories,
                          const std::vector<std::string>& labels) {
  constexpr unsigned kFirstSlot = 4;  // those before are NSS's own
  std::string tokens;
  for (unsigned i = 0; i < directories.size(); ++i) {
    std::array<char, 16> slot = {};
    std::snprintf(slot.data(), slot.size(), "0x%x", kFirstSlot + i);
    tokens += std::string(slot.data()) + "=[configDir='sql:" + directories[i] +
              "' tokenDescription='" + labels[i] + "' flags=readOnly]";
  }
  return "tokens=<" + tokens + "> flags=readOnly";
}

}  // namespace detach
