# The bridge for prebuildify, which knows node-gyp only: CMakeLists.txt is what builds. Not part of the npm package.
{
  "targets": [{
    "target_name": "chainrule",
    "type": "none",
    "actions": [{
      "action_name": "cmake",
      "inputs": [],
      "outputs": ["build/static/Release/chainrule.node"],
      "action": [
        "node", "node_modules/cmake-js/bin/cmake-js", "compile", "--out", "build/static",
        "--CDCHAINRULE_STATIC=ON", "--parallel", "<!(node -p \"os.availableParallelism()\")"
      ]
    }],
    "copies": [{
      "destination": "<(PRODUCT_DIR)",
      "files": ["build/static/Release/chainrule.node"]
    }]
  }]
}
