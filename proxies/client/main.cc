// detach-client-proxy: flags and wiring.

#include <CLI/CLI.hpp>
#include <string>

#include "bio/backend/by_name/named_backend.h"
#include "program/standard_descriptors.h"
#include "proxies/client/client_proxy.h"
#include "proxies/client/identities_command.h"
#include "proxies/daemon/proxy_main.h"

int main(int argc, char** argv) {
  detach::OpenStandardDescriptors();
  CLI::App app(
      "The client proxy: takes the browser's CONNECT through the reverse proxy, with a client "
      "certificate from the database, and takes its TLS off once the inner TLS stands.");
  app.name("detach-client-proxy");
  app.require_subcommand(1);
  CLI::App* const run = app.add_subcommand("run", "serve the browsers of this machine");
  std::string config;
  bool check_config = false;
  run->add_option("--config", config, "the configuration file (TOML)")->required();
  run->add_flag("--check-config", check_config,
                "only read and check the configuration: exit code 0 if it is good, else 2");
  CLI::App* const identities = app.add_subcommand(
      "identities", "list the certificate database, and what was passed over in it");
  std::string server;
  identities->add_option("--config", config, "the configuration file (TOML)")->required();
  identities->add_option(
      "--for", server,
      "the URL of a reverse proxy: ask it, without a certificate, which ones it takes, and say "
      "which identity it would get and why not the others: exit code 1 if none");
  app.footer(
      "Signals: SIGTERM drains, a second one waits for no tunnel; SIGHUP reads the configuration "
      "again, but listen, "
      "pid_file, threads, max_connections and drain, which stay as they were at the start.\nExit "
      "codes: 0 ended, 1 failed, 2 wrong usage or configuration.\nTLS backends, of which the first "
      "is used where [tls] names none: " +
      detach::DescribeBackends() + ".");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? detach::kEnded : detach::kWrongUsage;
  }
  if (identities->parsed()) return detach::ListIdentities(config, server);
  return detach::ProxyMain<detach::ClientProxy>(config, check_config);
}
