# SPDX-License-Identifier: GPL-2.0-or-later
{
  "includes": ["native/sources.gypi"],
  "target_defaults": {
    "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "native"],
    "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
    "cflags!": ["-fno-exceptions"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++17", "-fexceptions", "-Wall", "-Wextra", "-fvisibility=hidden"]
  },
  "targets": [
    {
      "target_name": "nft",
      "sources": ["native/node/nft_addon.cc", "<@(node_door_sources)", "<@(core_sources)", "<@(xtables_sources)", "<@(nft_sources)"],
      "cflags": ["<!@(pkg-config --cflags libnftnl libmnl RapidJSON)"],
      "libraries": ["<!@(pkg-config --libs libnftnl libmnl)"]
    },
    {
      "target_name": "legacy",
      "sources": ["native/node/legacy_addon.cc", "<@(node_door_sources)", "<@(core_sources)", "<@(xtables_sources)", "<@(legacy_sources)"],
      "cflags": ["<!@(pkg-config --cflags libip4tc libip6tc RapidJSON)"],
      "libraries": ["<!@(pkg-config --libs libip4tc libip6tc)"]
    },
    {
      "target_name": "socket",
      "sources": ["native/node/socket_addon.cc", "<@(node_door_sources)", "<@(core_sources)", "<@(look_sources)", "<@(socket_sources)"],
      "cflags": ["<!@(pkg-config --cflags RapidJSON)"]
    }
  ]
}
