// Two boxes, their cables, their clients and whatever goes wrong, from one seed. Time is a number of milliseconds.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "check_groups.hpp"
#include "check_sure.hpp"
#include "check_tails.hpp"
#include "check_wills.hpp"
#include "client.hpp"
#include "history.hpp"
#include "host.hpp"
#include "network.hpp"

namespace sim {

struct Result {
  std::string violation;  // empty: none
  std::string story;
  std::int64_t simulated_ms = 0;
  std::map<std::string, std::uint64_t> faults;
  std::uint64_t messages = 0;
  std::uint64_t acked = 0;
  std::uint64_t merged = 0;
  std::uint64_t permitted_duplicates = 0;
};

class World final : public Witness {
 public:
  World(std::uint64_t seed, bool trace, const std::string& watched = {});
  Result run();

 private:
  friend class Chaos;
  struct Seat {  // a client and its connection
    std::unique_ptr<Client> client;
    std::shared_ptr<SimConnection> connection;
    int host = -1;
    std::int64_t cut_off_at = 0;  // its box lost power: it hears nothing until then
  };

  void told(int node, broker::Level level, std::string_view sentence) override;
  void broken(const std::string& what) override;
  void appended(int node, const Batch& batch) override;
  void cut(int node, Lsn to) override;
  void booted(int node) override;
  void resumed(int node, Steady since) override;
  void checkpointed(int node, Lsn at) override;
  void note(const std::string& what);
  void fault(const std::string& kind, const std::string& what);

  void make_hosts();
  void make_clients();
  void step();
  void step_client(Seat& seat);
  void find_box(Seat& seat);
  void leave(Seat& seat, bool ours);
  void watch();  // the rules that can be checked at any time
  std::int64_t fork_time(int node);
  void watch_digests();
  void watch_message();  // where it waits, for --watch
  void agree_on_master();
  static int weight(const Host& host);
  bool protected_and_equal();
  bool drained();
  void operate();
  bool settle(std::int64_t within_ms, const std::function<bool()>& done);
  void check_end();
  void check_retained();
  void crashed(int index);
  std::uint64_t random(std::uint64_t below) { return rng_() % below; }
  bool chance(std::uint64_t percent) { return random(100) < percent; }

  std::uint64_t seed_;
  bool trace_;
  std::mt19937_64 rng_;
  std::int64_t now_ = 1'000'000;
  HostOptions options_;
  bool keepalived_ = false;
  bool vrrp_wild_ = false;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Host>> hosts_;
  History history_;
  GroupCheck groups_;
  SureCheck sure_{[this](const std::string& what) { broken(what); }};
  TailCheck tails_{[this](const std::string& what) { broken(what); }};
  WillCheck wills_{history_, [this](const std::string& what) { broken(what); }};
  std::vector<Seat> seats_;
  std::map<Epoch, int> reigns_;
  std::map<int, std::int64_t> crashed_at_;
  std::array<std::int64_t, 2> awake_at_{};
  // How far each box's memory is ahead of its disk: (when, last record in memory), and since when the disk lacks it.
  struct Memory {
    std::deque<std::pair<std::int64_t, Lsn>> not_on_disk;
    std::int64_t on_disk_until = 0;
    Lsn last;
    Lsn of_other_at_crash;  // what the other one held when this one crashed last
  };
  std::array<Memory, 2> memory_;
  void watch_memory(int index);
  int slow_ms_ = 0;  // of the slower disk, lately
  std::int64_t slow_at_ = 0;
  std::int64_t mirrored_at_ = 0;         // the last time that a standby was SURE: lineages fork behind it
  std::map<Lsn, std::int64_t> made_at_;  // first record of a batch, first time that one was made
  std::uint64_t digests_compared_ = 0;
  std::string watched_;
  std::map<std::string, std::string> watched_at_;
  std::deque<std::string> story_;
  Result result_;
};

}  // namespace sim
