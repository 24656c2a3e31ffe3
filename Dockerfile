# SPDX-License-Identifier: GPL-2.0-or-later
#
# What docs/image.md describes. Without --target: proxy-init and the validator, nothing else.
#
#   podman build --tag sluice .
#   podman build --tag sluice:tools --target tools .      also `sluice`
#   podman build --tag sluice:cni --target cni .          what installs the CNI plugin
#   podman build --tag sluice:node --target node .        Node with the package
#   podman build --tag sluice:arm64 --platform linux/arm64 .
#   podman build --target sbom --output type=local,dest=sbom .

# Programs for the image's platform are compiled on this machine's, by Debian's cross compilers.
FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS build
ARG TARGETARCH
RUN if [ "$TARGETARCH" = arm64 ]; then compiler=g++-aarch64-linux-gnu; else compiler=g++-x86-64-linux-gnu; fi \
 && dpkg --add-architecture "$TARGETARCH" \
 && apt-get update \
 && apt-get install -y --no-install-recommends \
      g++ "$compiler" libc-ares-dev:"$TARGETARCH" libcap2-bin libmnl-dev:"$TARGETARCH" libnftnl-dev:"$TARGETARCH" \
      libquickjs libquickjs:"$TARGETARCH" libssl-dev:"$TARGETARCH" make patch rapidjson-dev xz-utils
WORKDIR /sluice
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY native native
COPY scripts scripts
COPY src src
# Who hands out the source, and which commit this is: both go into the offer of the source.
ARG SOURCE_CONTACT="whoever has given it to you"
ARG REVISION=
# The capabilities are set in the step that makes the files, and come along with COPY: set later, they would add a second
# layer with the whole file.
RUN node scripts/standalone.mjs --architecture="$TARGETARCH" proxy-init network-validator sluice \
 && node scripts/image.mjs /out image tools

# Apart, for libcurl takes a minute, and no other target needs it.
FROM build AS cni-build
ARG TARGETARCH
# The lists of an earlier step may be of an earlier month, and name what the mirror has no more.
RUN apt-get update \
 && apt-get install -y --no-install-recommends busybox-static:"$TARGETARCH"
ARG SOURCE_CONTACT="whoever has given it to you"
ARG REVISION=
RUN node scripts/standalone.mjs --architecture="$TARGETARCH" sluice-cni \
 && node scripts/image.mjs /out cni

# The addons of the machine that builds: this target is for its platform alone.
FROM build AS package
RUN apt-get update \
 && apt-get install -y --no-install-recommends libip4tc-dev libip6tc-dev make pkg-config python3
COPY . .
# With addons for this system, in the place of those for every one.
RUN npm run build \
 && npm pack --ignore-scripts --pack-destination /tmp
WORKDIR /out/package
RUN npm install --ignore-scripts --no-audit --no-fund /tmp/sluice-*.tgz \
 && mkdir -p node_modules/sluice/build/Release \
 && cp /sluice/build/Release/*.node node_modules/sluice/build/Release

FROM node:24-trixie-slim AS node
RUN apt-get update \
 && apt-get install -y --no-install-recommends libip4tc2 libip6tc2 libmnl0 libnftnl11 \
 && rm -rf /var/lib/apt/lists/*
# Where Node finds it from every folder, and no `npm ci` of an application removes it.
COPY --from=package /out/package/node_modules /node_modules
ENV PATH=$PATH:/node_modules/.bin

FROM cni-build AS sbom-build
ARG TARGETARCH
RUN node scripts/sbom.mjs > /out/sluice.cdx.json

FROM scratch AS sbom
COPY --from=sbom-build /out/sluice.cdx.json /

FROM scratch AS image
LABEL org.opencontainers.image.title=sluice org.opencontainers.image.licenses=GPL-2.0-or-later
COPY --from=build /out/image /
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/proxy-init"]

# For people who look into a pod, with `kubectl debug`, which adds capabilities and names no user: only root has them then.
FROM image AS tools
COPY --from=build /out/tools /
USER 0:0
ENTRYPOINT ["/usr/local/bin/sluice"]

# For the DaemonSet of `sluice manifest cni`. The folders that it writes to are root's.
FROM image AS cni
LABEL org.opencontainers.image.licenses="GPL-2.0-only AND GPL-3.0-or-later"
COPY --from=cni-build /out/cni /
USER 0:0
ENTRYPOINT ["/usr/local/bin/sluice", "cni", "install"]

FROM image
