{
  "variables": {
    "core_sources": [
      "native/core/core.cc",
      "native/core/error.cc",
      "native/core/json.cc",
      "native/core/namespace.cc",
      "native/core/ruleset_json.cc",
      "native/core/sysctl.cc"
    ],
    "nft_sources": [
      "native/nft/commit.cc"
    ],
    "socket_sources": [
      "native/socket/original_destination.cc"
    ],
    "node_door_sources": [
      "native/node/door.cc"
    ],
    "node_socket_sources": [
      "native/node/socket_addon.cc"
    ]
  }
}
