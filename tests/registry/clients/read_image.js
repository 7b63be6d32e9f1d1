// Prints the tags of a repository, the manifest of one, and the digests of what its layers turn out to hold.
// Arguments: host, repository, tag. The password is on the standard input.
const crypto = require("crypto");
const fs = require("fs");
const { RegistryClientV2 } = require("oci-registry-client");

async function main([host, repository, tag]) {
    const client = new RegistryClientV2({
        name: `${host}/${repository}`,
        scheme: "http",
        username: "AWS",
        password: fs.readFileSync(0, "utf8"),
        acceptOCIManifests: true,
    });
    const { tags } = await client.listTags();
    const { manifest } = await client.getManifest({ ref: tag });
    const blobs = [];
    for (const { digest } of manifest.layers) {
        const { stream } = await client.createBlobReadStream({ digest });
        const hash = crypto.createHash("sha256");
        for await (const chunk of stream) hash.update(chunk);
        blobs.push(`sha256:${hash.digest("hex")}`);
    }
    console.log(JSON.stringify({ tags, manifest, blobs }));
}

main(process.argv.slice(2));
