# The bastion's AMI, for AWS, amd64 and arm64: the tree that the tests boot, on a volume of its own, with a kernel and a
# loader. A throw-away instance makes it there; nothing of that instance comes into the image.
#
#   npm pack && pgctl image fetch --architecture arm64 --boot --into packer/parts-arm64
#   mv pgctl-*.tgz packer/parts-arm64/pgctl.tgz
#   packer init packer/ && packer build -var architecture=arm64 -var parts=packer/parts-arm64 \
#     -var account=111122223333 -var region=eu-central-1 packer/
packer {
  required_version = ">= 1.12.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "1.8.2"
    }
  }
}

variable "account" {
  type        = string
  description = "The account that the AMI is made in; in any other the build stops, and makes none."
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "The account is one of AWS, 12 digits."
  }
}

variable "region" {
  type = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region is one of AWS, as eu-central-1."
  }
}

variable "architecture" {
  type        = string
  description = "amd64 or arm64."
  validation {
    condition     = contains(["amd64", "arm64"], var.architecture)
    error_message = "The architecture is amd64 or arm64."
  }
}

variable "parts" {
  type        = string
  description = "What `pgctl image fetch --boot` has fetched for this architecture, with pgctl.tgz beside it."
  validation {
    condition     = fileexists("${var.parts}/tools.lock.json") && fileexists("${var.parts}/pgctl.tgz")
    error_message = "The parts lack tools.lock.json or pgctl.tgz: pgctl image fetch --boot --into PARTS, npm pack."
  }
}

variable "kms_key" {
  type        = string
  description = "The key that the AMI is encrypted with; the account's own for EBS unless it is given."
  default     = ""
}

variable "subnet" {
  type        = string
  description = "Where the throw-away instance is; the default network unless it is given."
  default     = ""
  validation {
    condition     = can(regex("^(subnet-[0-9a-f]+)?$", var.subnet))
    error_message = "The subnet is one's id, as subnet-0123456789abcdef0."
  }
}

variable "from" {
  type        = list(string)
  description = "Ranges that may reach the throw-away instance; this computer's public address unless there are some."
  default     = []
  validation {
    condition     = !contains(var.from, "0.0.0.0/0") && !contains(var.from, "::/0")
    error_message = "The throw-away instance is not reached from everywhere."
  }
}

locals {
  instance_type = { amd64 = "m7i.large", arm64 = "m7g.large" }
  ami_arch      = { amd64 = "x86_64", arm64 = "arm64" }
  built         = timestamp()
  # The lock says what is in it; the AMI says which lock.
  lock = sha256(file("${var.parts}/tools.lock.json"))
}

source "amazon-ebssurrogate" "bastion" {
  region        = var.region
  ami_name      = "pgctl-bastion-${var.architecture}-${formatdate("YYYYMMDD-hhmmss", local.built)}"
  instance_type = local.instance_type[var.architecture]
  subnet_id     = var.subnet
  ssh_username  = "admin"

  # The throw-away instance: the distribution's own image, by its owner and its exact name.
  source_ami_filter {
    owners      = ["136693071363"]
    most_recent = true
    filters = {
      name                = "debian-13-${var.architecture}-*"
      architecture        = local.ami_arch[var.architecture]
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }
  # Only from here, only for the time of the build, and only to the throw-away instance.
  temporary_security_group_source_cidrs     = var.from
  temporary_security_group_source_public_ip = length(var.from) == 0
  temporary_key_pair_type                   = "ed25519"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  launch_block_device_mappings {
    device_name           = "/dev/xvdf"
    volume_type           = "gp3"
    volume_size           = 8
    iops                  = 3000
    throughput            = 125
    encrypted             = true
    delete_on_termination = true
  }

  # The AMI.
  ami_root_device {
    source_device_name    = "/dev/xvdf"
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = 8
    delete_on_termination = true
  }
  ami_architecture        = local.ami_arch[var.architecture]
  ami_virtualization_type = "hvm"
  boot_mode               = "uefi"
  ena_support             = true
  imds_support            = "v2.0"
  encrypt_boot            = true
  kms_key_id              = var.kms_key
  # Old images are not found any more after 60 days, and none is taken away by mistake.
  deprecate_at = timeadd(local.built, "1440h")
  deregistration_protection {
    enabled = true
  }
  tags = {
    "Name"             = "pgctl-bastion-${var.architecture}"
    "pgctl:image"      = "bastion"
    "pgctl:lock"       = local.lock
    "pgctl:built"      = local.built
    "pgctl:manifest"   = "not yet known"
    "pgctl:source-ami" = "{{ .SourceAMI }}"
  }
  snapshot_tags   = { "Name" = "pgctl-bastion-${var.architecture}", "pgctl:image" = "bastion" }
  run_tags        = { "Name" = "pgctl-image-build" }
  run_volume_tags = { "Name" = "pgctl-image-build" }
}

build {
  sources = ["source.amazon-ebssurrogate.bastion"]

  # First of all, as no field of the source can say it.
  provisioner "shell-local" {
    inline = ["${path.root}/build/account.sh ${var.account} ${var.region}"]
  }
  # What is uploaded goes into a folder that is there.
  provisioner "shell" {
    inline = ["mkdir /tmp/parts /tmp/packer"]
  }
  provisioner "file" {
    source      = "${var.parts}/"
    destination = "/tmp/parts"
  }
  provisioner "file" {
    sources     = ["${path.root}/build", "${path.root}/provision", "${path.root}/root"]
    destination = "/tmp/packer"
  }
  provisioner "shell" {
    inline = [
      "chmod -R go-w /tmp/packer && chmod 0755 /tmp/packer/build/*.sh",
      "sudo /tmp/packer/build/on-instance.sh /tmp/parts /dev/xvdf ${var.architecture} > /tmp/digest",
    ]
  }
  provisioner "file" {
    direction   = "download"
    source      = "/tmp/digest"
    destination = "${var.parts}/digest"
  }

  post-processor "manifest" {
    output     = "${var.parts}/ami.json"
    strip_path = true
  }
  post-processor "shell-local" {
    inline = ["${path.root}/build/tag.sh ${var.parts}/ami.json ${var.parts}/digest ${var.region}"]
  }
}
