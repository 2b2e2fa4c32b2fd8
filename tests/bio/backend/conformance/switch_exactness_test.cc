// Switch exactness: the stream [last TLS data, close_notify, raw head] cut at every byte, for both
// roles, three orders of closing, and what TLS may slip in between. Not a byte may be lost, added,
// or be on the wrong side.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bio/backend/conformance/conformance_fixture.h"

namespace detach {
namespace {

// Who of the two reads the stream that is cut.
enum class Reader { kClient, kServer };
// Who leaves TLS first.
enum class Order { kReaderFirst, kWriterFirst, kBothAtOnce };
// What else TLS sends or does.
enum class Beside { kNothing, kTickets, kKeyUpdate, kClientCertificate, kAll };

// Raw heads: what a parser might take for TLS, text, and nothing.
constexpr std::string_view kHeads[] = {
    // An alert close_notify, then an application_data header, in the clear.
    {"\x15\x03\x03\x00\x02\x01\x00\x17\x03\x03\x00\x05xx", 14},
    "raw head",
    {"\x16\x03\x01\x02\x00\x01\x00", 7},  // a ClientHello
    {"\0", 1},
    "",
};

// One switch, after a handshake of its own. Both ends send data under TLS first, leave TLS in
// `order`, and send raw bytes: in the same flight wherever the protocol allows it.
class Switch {
 public:
  Switch(Contexts& contexts, Reader reader, bool half)
      : half_(half),
        writer_(reader == Reader::kClient ? pair_.server : pair_.client),
        reader_(reader == Reader::kClient ? pair_.client : pair_.server) {
    pair_.StartTls(*contexts.client, *contexts.server);
    Must(pair_.client, pair_.client.session.status());
    Must(pair_.server, pair_.server.session.status());
  }

  // Run cuts the writer's stream behind `cut` bytes; returns how many bytes there were.
  std::size_t Run(Order order, bool update_keys, std::string_view head, std::size_t cut) {
    cut_.left = cut;
    if (update_keys) Must(writer_, writer_.session.UpdateKeys());
    Must(writer_, WriteText(writer_.session, "last data"));
    Must(reader_, WriteText(reader_.session, "answer"));
    if (!half_) Quiesce(order);
    if (order == Order::kWriterFirst) {
      Leave(writer_, writer_raw_, head);
      ToReader();
      if (half_) Must(reader_, WriteText(reader_.session, " and more"));
      Leave(reader_, reader_raw_, "raw answer");
    } else {
      Leave(reader_, reader_raw_, "raw answer");
      if (order == Order::kReaderFirst) ToWriter();
      Leave(writer_, writer_raw_, head);
    }
    while (ToReader() || ToWriter() || WriteRaw(writer_, writer_raw_) ||
           WriteRaw(reader_, reader_raw_)) {
    }
    return sent_;
  }

  const Endpoint& writer() const { return writer_; }
  const Endpoint& reader() const { return reader_; }

 private:
  static void Must(const Endpoint& end, const Status& status) {
    EXPECT_TRUE(status.ok()) << status.message() << "; " << end.session.status().message();
  }

  // Detaches, and writes `raw` as soon as the direction is raw: now, or when the peer has closed.
  static void Leave(Endpoint& end, std::string_view& slot, std::string_view raw) {
    Must(end, end.session.Detach());
    slot = raw;
    WriteRaw(end, slot);
  }

  // TLS 1.2: who closes must have got what was sent to it. What comes later may be refused.
  void Quiesce(Order order) {
    if (order != Order::kReaderFirst) ToWriter();
    if (order != Order::kWriterFirst) ToReader();
  }

  static bool WriteRaw(Endpoint& end, std::string_view& slot) {
    if (slot.empty() || end.session.state().sending != Sending::kRaw) return false;
    Must(end, WriteText(end.session, std::exchange(slot, {})));
    return true;
  }

  bool ToReader() {
    sent_ += writer_.session.Output().size();
    return Carry(writer_, reader_, &cut_);
  }
  bool ToWriter() { return Carry(reader_, writer_); }

  const bool half_;
  SessionPair pair_;
  Endpoint& writer_;
  Endpoint& reader_;
  std::string_view writer_raw_;
  std::string_view reader_raw_;
  Cut cut_{0};
  std::size_t sent_ = 0;
};

struct Parameter {
  BackendPair pair;
  Reader reader;
  Order order;
  Beside beside;

  bool half() const { return pair.version == TlsVersion::kTls13; }
  bool has(Beside what) const { return beside == what || beside == Beside::kAll; }
  bool updates_keys() const { return half() && has(Beside::kKeyUpdate); }
};

class SwitchExactness : public testing::TestWithParam<Parameter> {
 protected:
  static Contexts NewContexts() {
    TlsConfig client = ClientConfig(GetParam().pair);
    TlsConfig server = ServerConfig(GetParam().pair);
    client.resumption = server.resumption = GetParam().has(Beside::kTickets);
    if (GetParam().has(Beside::kClientCertificate)) AskForClientCertificate(client, server);
    return {GetParam().pair, client, server};
  }

  // Cuts at `cut`; returns the length of the stream.
  static std::size_t CutAt(Contexts& contexts, std::string_view head, std::size_t cut) {
    const Parameter& parameter = GetParam();
    Switch one(contexts, parameter.reader, parameter.half());
    const std::size_t sent = one.Run(parameter.order, parameter.updates_keys(), head, cut);
    const std::string raw = head.empty() ? "" : " raw:" + std::string(head);
    EXPECT_EQ(one.reader().read.text(), "tls:last data detached" + raw);
    const bool more = parameter.half() && parameter.order == Order::kWriterFirst;
    EXPECT_EQ(one.writer().read.text(),
              std::string("tls:answer") + (more ? " and more" : "") + " detached raw:raw answer");
    for (const Endpoint* end : {&one.reader(), &one.writer()}) {
      EXPECT_EQ(end->session.state(), State{});
      EXPECT_FALSE(end->session.has_tls());
      EXPECT_EQ(end->session.unread(), 0u);
      EXPECT_TRUE(end->session.Output().empty());
    }
    return sent;
  }
};

// A record that carries an alert, a header and the head: what lies around the boundary.
constexpr std::size_t kTail = 40;

TEST_P(SwitchExactness, LosesNothingAddsNothingAndMixesNothing) {
  Contexts contexts = NewContexts();
  for (const std::string_view head : kHeads) {
    // The whole stream once; for the other heads its end, where the boundary is.
    const std::size_t size = CutAt(contexts, head, 0);
    const std::size_t first = head == kHeads[0] || size < kTail ? 1 : size - kTail;
    for (std::size_t cut = first; cut < size; ++cut) {
      CutAt(contexts, head, cut);
      ASSERT_FALSE(HasFailure()) << "cut behind " << cut << " of " << size << " bytes";
    }
  }
}

// Each of what TLS may slip in alone for the first pair of a version, all together for the others:
// each costs hundreds of handshakes.
std::vector<Parameter> Parameters() {
  std::vector<Parameter> all;
  std::set<TlsVersion> seen;
  for (const BackendPair& pair : BackendPairs()) {
    const bool first = seen.insert(pair.version).second;
    for (const Reader reader : {Reader::kClient, Reader::kServer}) {
      for (const Order order : {Order::kReaderFirst, Order::kWriterFirst, Order::kBothAtOnce}) {
        for (const Beside beside : {Beside::kNothing, Beside::kTickets, Beside::kKeyUpdate,
                                    Beside::kClientCertificate, Beside::kAll}) {
          if (!first && beside != Beside::kNothing && beside != Beside::kAll) continue;
          // TLS 1.2 has no key update.
          if (beside == Beside::kKeyUpdate && pair.version == TlsVersion::kTls12) continue;
          all.push_back({pair, reader, order, beside});
        }
      }
    }
  }
  return all;
}

std::string NameOf(const testing::TestParamInfo<Parameter>& info) {
  const char* const orders[] = {"ReaderFirst", "WriterFirst", "BothAtOnce"};
  const char* const besides[] = {"", "Tickets", "KeyUpdate", "ClientCertificate", "All"};
  return info.param.pair.name +
         (info.param.reader == Reader::kClient ? "ClientReads" : "ServerReads") +
         orders[static_cast<int>(info.param.order)] + besides[static_cast<int>(info.param.beside)];
}

INSTANTIATE_TEST_SUITE_P(EveryPair, SwitchExactness, testing::ValuesIn(Parameters()), NameOf);

}  // namespace
}  // namespace detach
