// Makes a rule for Docker Hub with its secret, pulls an image by the API, and prints the layers of each platform in base64.
const ecrSdk = require("@aws-sdk/client-ecr");
const secretsSdk = require("@aws-sdk/client-secrets-manager");

const ecr = new ecrSdk.ECRClient({});
const secrets = new secretsSdk.SecretsManagerClient({});
const repositoryName = "docker-hub/library/alpine";

async function createRule() {
    const { ARN } = await secrets.send(
        new secretsSdk.CreateSecretCommand({
            Name: "ecr-pullthroughcache/docker-hub",
            SecretString: JSON.stringify({ username: "me", accessToken: "a-token" }),
        }),
    );
    await ecr.send(
        new ecrSdk.CreatePullThroughCacheRuleCommand({
            ecrRepositoryPrefix: "docker-hub",
            upstreamRegistryUrl: "registry-1.docker.io",
            credentialArn: ARN,
        }),
    );
}

async function getManifest(imageId) {
    const { images, failures } = await ecr.send(
        new ecrSdk.BatchGetImageCommand({ repositoryName, imageIds: [imageId] }),
    );
    if (failures.length) throw new Error(JSON.stringify(failures));
    return JSON.parse(images[0].imageManifest);
}

async function download(layerDigest) {
    const { downloadUrl } = await ecr.send(
        new ecrSdk.GetDownloadUrlForLayerCommand({ repositoryName, layerDigest }),
    );
    return Buffer.from(await (await fetch(downloadUrl)).arrayBuffer()).toString("base64");
}

async function main() {
    await createRule();
    const layers = {};
    for (const { digest, platform } of (await getManifest({ imageTag: "3.20" })).manifests) {
        const image = await getManifest({ imageDigest: digest });
        const contents = image.layers.map((layer) => download(layer.digest));
        layers[`${platform.os}/${platform.architecture}`] = await Promise.all(contents);
    }
    console.log(JSON.stringify(layers));
}

main();
