{
  "variables": {
    "core_sources": [
      "native/core/check.cc",
      "native/core/core.cc",
      "native/core/error.cc",
      "native/core/family.cc",
      "native/core/json.cc",
      "native/core/legacy_tables.cc",
      "native/core/namespace.cc",
      "native/core/ruleset_json.cc",
      "native/core/ruleset_json_sets.cc",
      "native/core/sysctl.cc"
    ],
    "xtables_sources": [
      "native/xtables/comment.cc",
      "native/xtables/match.cc",
      "native/xtables/multiport.cc",
      "native/xtables/owner.cc",
      "native/xtables/ports.cc",
      "native/xtables/redirect.cc"
    ],
    "legacy_sources": [
      "native/legacy/commit.cc",
      "native/legacy/entry.cc",
      "native/legacy/header.cc",
      "native/legacy/lock.cc",
      "native/legacy/plan.cc",
      "native/legacy/snapshot.cc",
      "native/legacy/table.cc"
    ],
    "nft_sources": [
      "native/nft/batch.cc",
      "native/nft/commit.cc",
      "native/nft/connection.cc",
      "native/nft/expression.cc",
      "native/nft/match/comment.cc",
      "native/nft/match/destination_port.cc",
      "native/nft/match/extension.cc",
      "native/nft/match/interface.cc",
      "native/nft/match/multiport.cc",
      "native/nft/match/new_connection.cc",
      "native/nft/match/owner.cc",
      "native/nft/match/protocol.cc",
      "native/nft/match/set.cc",
      "native/nft/match/subnet.cc",
      "native/nft/match/verdict.cc",
      "native/nft/plan.cc",
      "native/nft/port_set.cc",
      "native/nft/questions.cc",
      "native/nft/request.cc",
      "native/nft/rule.cc",
      "native/nft/rule_builder.cc",
      "native/nft/state.cc",
      "native/nft/transaction.cc",
      "native/nftables/chain_rules.cc",
      "native/nftables/commit.cc",
      "native/nftables/entrance.cc",
      "native/nftables/interval_set.cc",
      "native/nftables/plan.cc",
      "native/nftables/rule.cc",
      "native/nftables/state.cc"
    ],
    "look_sources": [
      "native/look/lines.cc",
      "native/look/listeners.cc",
      "native/look/namespaces.cc",
      "native/look/operations.cc",
      "native/socket/inet_address.cc",
      "native/socket/link.cc",
      "native/socket/netlink.cc",
      "native/socket/route.cc"
    ],
    "socket_sources": [
      "native/socket/connection_tracking.cc",
      "native/socket/inet_address.cc",
      "native/socket/link.cc",
      "native/socket/netlink.cc",
      "native/socket/network_namespace.cc",
      "native/socket/original_destination.cc",
      "native/socket/route.cc",
      "native/socket/tcp.cc"
    ],
    "node_door_sources": [
      "native/node/door.cc",
      "native/node/task_runner.cc"
    ],
    "node_socket_sources": [
      "native/node/socket_addon.cc",
      "native/node/task_runner.cc",
      "native/core/error.cc",
      "native/core/namespace.cc",
      "native/core/sysctl.cc"
    ]
  }
}
