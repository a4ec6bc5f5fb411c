// The template and its blanks.
#include "cli/keepalived_conf.hpp"

namespace tandem::cli {

namespace {

// {name} is a blank. etc/keepalived/keepalived.conf.example is what comes out for one box; a test compares.
constexpr const char* conf_template =
    R"(# keepalived for one box of a Tandem pair, made by `tandemctl setup keepalived` (docs/takeover.md).
# The other box's file has own and peer address exchanged; all else is the same.
global_defs {
    enable_script_security
    script_user root
    vrrp_garp_master_delay 1        # a second burst of gratuitous ARP after 1 s
    vrrp_garp_master_refresh 10     # and one every 10 s: heals a lost or overwritten ARP entry
    vrrp_garp_lower_prio_repeat 3   # after both were MASTER the winner says so again
    vrrp_garp_lower_prio_delay 1
    vrrp_notify_fifo {fifo}
}
track_file tandem {                 # how much this box deserves the address, by tandemd
    file {weight}
    weight 1
    init_file -254                  # no tandemd: no address here
}
vrrp_instance {instance} {
    state BACKUP                    # on both boxes: nopreempt needs it
    nopreempt
    interface {interface}
    virtual_router_id {router_id}
    priority 100                    # the same on both: the weight decides
    version 3
    advert_int 0.1                  # takeover after 3.6 times this
    unicast_src_ip {own}
    unicast_peer {
        {peer}
    }
    virtual_ipaddress {
{vips}    }
{excluded}    track_file {
        tandem
    }
}
)";

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

void fill_in(std::string& text, const std::string& blank, const std::string& value) {
  const std::string mark = "{" + blank + "}";
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size()))
    text.replace(at, mark.size(), value);
}

}  // namespace

std::string keepalived_conf(const KeepalivedConf& conf) {
  std::string advertised;
  std::string excluded;
  for (const std::string& vip : conf.vips) {
    std::string& list = is_v6(vip) == is_v6(conf.peer) ? advertised : excluded;
    list += "        " + vip + " dev " + conf.interface + "\n";
  }
  if (!excluded.empty())
    excluded = "    virtual_ipaddress_excluded {    # of the other family\n" + excluded + "    }\n";
  std::string text = conf_template;
  fill_in(text, "fifo", conf.notify_fifo);
  fill_in(text, "weight", conf.weight_file);
  fill_in(text, "instance", conf.instance);
  fill_in(text, "interface", conf.interface);
  fill_in(text, "router_id", std::to_string(conf.router_id));
  fill_in(text, "own", conf.own);
  fill_in(text, "peer", conf.peer);
  fill_in(text, "vips", advertised);
  fill_in(text, "excluded", excluded);
  return text;
}

}  // namespace tandem::cli
