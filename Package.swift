// swift-tools-version: 6.1
import PackageDescription

// libtorch: the folder with include/ and lib/. `make setup` links it as .libtorch; LIBTORCH overrides.
// As a dependency by version SwiftPM refuses such flags, so there pkg-config finds it: see "Use as a package" in README.
let libtorch = Context.environment["LIBTORCH"] ?? Context.packageDirectory + "/.libtorch"
// Where libtorch is built for CUDA: the folders of the headers of CUDA and NCCL, as `make setup` found them.
let cudaHeaders = Context.environment["CROSSMODAL_CUDA_HEADERS"]?.split(separator: ":").map(String.init) ?? []
let isVersionedDependency = Context.packageDirectory.contains("/checkouts/")

let headers = [libtorch + "/include", libtorch + "/include/torch/csrc/api/include"] + cudaHeaders
let torchHeaders: [CXXSetting] =
  (isVersionedDependency ? [] : [.unsafeFlags(headers.flatMap { ["-isystem", $0] } + ["-O2"])])
  + (cudaHeaders.isEmpty ? [] : [.define("USE_C10D_NCCL")])
#if os(Linux)
  // The toolchain has it, and it is faster than the linker that is taken by itself.
  let linker: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"])]
#else
  let linker: [LinkerSetting] = []
#endif
let torchLibraries: [LinkerSetting] =
  isVersionedDependency
  ? []
  : linker + [
    .unsafeFlags(["-L" + libtorch + "/lib", "-Xlinker", "-rpath", "-Xlinker", libtorch + "/lib"]),
    .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
  ] + (cudaHeaders.isEmpty ? [] : [.linkedLibrary("torch_cuda"), .linkedLibrary("c10_cuda")])
let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

// FFmpeg's libraries are not asked of everybody: `make setup` says whether it found them.
let hasVideo = Context.environment["CROSSMODAL_VIDEO"] == "1"

let package = Package(
  name: "CrossModal",
  platforms: [.macOS(.v14)],
  products: [
    .library(name: "CrossModal", targets: ["CrossModal", "Torch"]),
    .library(name: "CrossModalFormats", targets: ["CrossModalFormats"]),
    .library(name: "CrossModalLettering", targets: ["CrossModalLettering"]),
    .executable(name: "crossmodal", targets: ["CrossModalCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ]
    // Only where it is wanted: every build looks at the plugins of every dependency, for seconds.
    + (Context.environment["CROSSMODAL_DOCS"] == nil
      ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]),
  targets: [
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CSpng", pkgConfig: "spng", providers: [.apt(["libspng-dev"]), .brew(["libspng"])]),
    .systemLibrary(
      name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
    .systemLibrary(
      name: "CMatio", pkgConfig: "matio", providers: [.apt(["libmatio-dev"]), .brew(["libmatio"])]),
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "CPango", pkgConfig: "pangocairo", providers: [.apt(["libpango1.0-dev"]), .brew(["pango"])]),
    .target(
      name: "CTorch", dependencies: isVersionedDependency ? ["CLibtorch"] : [],
      exclude: ["forward"], cxxSettings: torchHeaders + [.headerSearchPath("forward")],
      linkerSettings: torchLibraries),
    .target(name: "Torch", dependencies: ["CTorch", "CZlib"], swiftSettings: swiftSettings),
    .target(
      name: "CrossModal",
      dependencies: ["Torch", "CZlib", "CTurboJPEG", "CSpng", "CWebP", "Yams"],
      swiftSettings: swiftSettings),
    .target(name: "CFormats", dependencies: ["CMatio", "CHDF5"]),
    .target(
      name: "CrossModalFormats", dependencies: ["CrossModal", "CFormats"], swiftSettings: swiftSettings),
    .target(name: "CLettering", dependencies: ["CPango"]),
    .target(
      name: "CrossModalLettering", dependencies: ["CrossModal", "CLettering"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "CrossModalCLI",
      dependencies: [
        "CrossModal", "CrossModalFormats", "CrossModalLettering", "Yams",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ] + (hasVideo ? ["CrossModalVideo"] : []),
      swiftSettings: swiftSettings + (hasVideo ? [.define("CROSSMODAL_VIDEO")] : [])),
    .testTarget(name: "TorchTests", dependencies: ["Torch"], swiftSettings: swiftSettings),
    .testTarget(
      name: "CrossModalTests", dependencies: ["CrossModal", "CrossModalLettering"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CrossModalFormatsTests", dependencies: ["CrossModalFormats"], swiftSettings: swiftSettings),
    .testTarget(
      name: "CrossModalLetteringTests", dependencies: ["CrossModalLettering"], swiftSettings: swiftSettings),
    .testTarget(
      name: "CrossModalCLITests",
      dependencies: ["CrossModalCLI", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: swiftSettings),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
if hasVideo {
  package.products.append(.library(name: "CrossModalVideo", targets: ["CrossModalVideo"]))
  package.targets += [
    .systemLibrary(
      name: "CAVFormat", pkgConfig: "libavformat",
      providers: [.apt(["libavformat-dev", "libavcodec-dev", "libswscale-dev"]), .brew(["ffmpeg"])]),
    .target(
      name: "CVideo", dependencies: ["CAVFormat"],
      linkerSettings: [.linkedLibrary("avcodec"), .linkedLibrary("avutil"), .linkedLibrary("swscale")]),
    .target(
      name: "CrossModalVideo", dependencies: ["CrossModal", "CVideo"], swiftSettings: swiftSettings),
    .testTarget(
      name: "CrossModalVideoTests", dependencies: ["CrossModalVideo"], swiftSettings: swiftSettings),
  ]
}
if Context.environment["CROSSMODAL_BENCHMARKS"] != nil {
  // Not linked with every change of the library: Benchmarks/run and the whole suite ask for it.
  package.targets.append(
    .executableTarget(
      name: "crossmodal-benchmarks", dependencies: ["CrossModal", "Torch"], path: "Benchmarks/Ours",
      swiftSettings: swiftSettings))
}
if isVersionedDependency {
  package.targets.append(.systemLibrary(name: "CLibtorch", pkgConfig: "crossmodal-libtorch"))
}
