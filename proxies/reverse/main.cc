// detach-reverse-proxy: flags and wiring.

#include <CLI/CLI.hpp>
#include <string>

#include "bio/backend/by_name/named_backend.h"
#include "program/standard_descriptors.h"
#include "proxies/daemon/proxy_main.h"
#include "proxies/reverse/reverse_proxy.h"

int main(int argc, char** argv) {
  detach::OpenStandardDescriptors();
  CLI::App app(
      "The reverse proxy: lets clients with a certificate through to the destinations that its "
      "configuration allows, and takes its TLS off once the inner TLS stands.");
  app.name("detach-reverse-proxy");
  std::string config;
  bool check_config = false;
  app.add_option("--config", config, "the configuration file (TOML)")->required();
  app.add_flag("--check-config", check_config,
               "only read and check the configuration: exit code 0 if it is good, else 2");
  app.footer(
      "Signals: SIGTERM drains, a second one waits for no tunnel; SIGHUP reads the configuration "
      "again, but listen, "
      "pid_file, threads, max_connections and drain, which stay as they were at the start; tunnels "
      "that it does not allow end; files are read only from the folders that were named at the "
      "start.\nExit codes: 0 ended, 1 failed, 2 wrong usage or "
      "configuration.\nTLS backends, of which the first is used where [tls] names none: " +
      detach::DescribeBackends() + ".");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? detach::kEnded : detach::kWrongUsage;
  }
  return detach::ProxyMain<detach::ReverseProxy>(config, check_config);
}
