// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmbar - the memory of a PCI device as dma-bufs, for tests.
 *
 * The device is QEMU's ivshmem-plain (1af4:1110): BAR 2 is memory, and a file
 * on the host is that memory. So what a NIC wrote into it can be compared byte
 * for byte from outside the guest.
 *
 * In sysfs, below /sys/bus/pci/drivers/dmbar/ADDRESS/:
 *   heap      name of the heap: /dev/dma_heap/NAME
 *   regions   live allocations, one a line: offset in the BAR and length, hexadecimal
 */
#include <linux/dma-buf.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "dmbar.h"

#define DMBAR_BAR 2

unsigned int dmbar_chunk = SZ_2M;
module_param_named(chunk, dmbar_chunk, uint, 0644);
MODULE_PARM_DESC(
	chunk,
	"bytes in one scatterlist entry, whole pages (default 2 MiB); many small ones make the "
	"kernel's allocator slow");

bool dmbar_strict;
module_param_named(strict, dmbar_strict, bool, 0644);
MODULE_PARM_DESC(
	strict,
	"refuse importers that have no peer-to-peer path to the device (default 0); no effect on "
	"kernels without PCI_P2PDMA");

bool dmbar_nommap;
module_param_named(nommap, dmbar_nommap, bool, 0644);
MODULE_PARM_DESC(nommap, "regions allocated from now on cannot be mapped by the CPU (default 0)");

bool dmbar_core_heap = true;
module_param_named(core_heap, dmbar_core_heap, bool, 0444);
MODULE_PARM_DESC(
	core_heap,
	"register with the kernel's heap core where it can be done, after which the module "
	"cannot be removed (default 1); 0: always a device node of our own");

static DEFINE_IDA(dmbar_ida);

struct dmbar *dmbar_get(struct dmbar *d)
{
	kref_get(&d->ref);
	return d;
}

static void dmbar_free(struct kref *ref)
{
	struct dmbar *d = container_of(ref, struct dmbar, ref);

	if (d->pool)
		gen_pool_destroy(d->pool);
	ida_free(&dmbar_ida, d->id);
	pci_dev_put(d->pdev);
	kfree(d);
}

void dmbar_put(struct dmbar *d)
{
	kref_put(&d->ref, dmbar_free);
}

static ssize_t heap_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dmbar *d = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", d->name);
}
static DEVICE_ATTR_RO(heap);

static ssize_t regions_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct dmbar *d = dev_get_drvdata(dev);
	const struct dmbar_region *r;
	ssize_t len = 0;

	mutex_lock(&d->lock);
	list_for_each_entry(r, &d->regions, node) len +=
		sysfs_emit_at(buf, len, "%#llx %#zx\n", dmbar_region_offset(r), r->len);
	mutex_unlock(&d->lock);
	return len;
}
static DEVICE_ATTR_RO(regions);

static struct attribute *dmbar_attrs[] = { &dev_attr_heap.attr, &dev_attr_regions.attr, NULL };
ATTRIBUTE_GROUPS(dmbar);

static struct dmbar *dmbar_create(struct pci_dev *pdev)
{
	struct dmbar *d;
	int err;

	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->id = ida_alloc(&dmbar_ida, GFP_KERNEL);
	if (d->id < 0) {
		err = d->id;
		kfree(d);
		return ERR_PTR(err);
	}
	kref_init(&d->ref);
	d->pdev = pci_dev_get(pdev);
	snprintf(d->name, sizeof(d->name), "dmbar%d", d->id);
	d->base = pci_resource_start(pdev, DMBAR_BAR);
	d->size = pci_resource_len(pdev, DMBAR_BAR);
	mutex_init(&d->lock);
	INIT_LIST_HEAD(&d->regions);
	err = dmbar_pool_create(d);
	if (err) {
		dmbar_put(d);
		return ERR_PTR(err);
	}
	return d;
}

static int dmbar_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct dmbar *d;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	if (!(pci_resource_flags(pdev, DMBAR_BAR) & IORESOURCE_MEM))
		return dev_err_probe(&pdev->dev, -ENODEV, "BAR %d is not memory\n", DMBAR_BAR);
	err = pcim_request_region(pdev, DMBAR_BAR, KBUILD_MODNAME);
	if (err)
		return err;
	pci_set_master(pdev);
#if LAB_KERNEL_7 && defined(CONFIG_PCI_P2PDMA)
	/* needed to ask for the distance to an importer */
	err = pcim_p2pdma_init(pdev);
	if (err)
		return dev_err_probe(&pdev->dev, err, "no peer-to-peer support\n");
#endif
	d = dmbar_create(pdev);
	if (IS_ERR(d))
		return PTR_ERR(d);
	pci_set_drvdata(pdev, d);
	err = dmbar_heap_register(d);
	if (err) {
		dmbar_put(d);
		return err;
	}
	pci_info(pdev, "/dev/dma_heap/%s: %zu MiB in BAR %d\n", d->name, d->size >> 20, DMBAR_BAR);
	return 0;
}

static void dmbar_remove(struct pci_dev *pdev)
{
	struct dmbar *d = pci_get_drvdata(pdev);

	dmbar_heap_unregister(d);
	mutex_lock(&d->lock);
	d->gone = true;
	mutex_unlock(&d->lock);
	dmbar_put(d);
}

static const struct pci_device_id dmbar_ids[] = { { PCI_DEVICE(0x1af4, 0x1110) }, /* QEMU ivshmem */
						  {} };
MODULE_DEVICE_TABLE(pci, dmbar_ids);

static struct pci_driver dmbar_driver = {
	.name = KBUILD_MODNAME,
	.id_table = dmbar_ids,
	.probe = dmbar_probe,
	.remove = dmbar_remove,
	.dev_groups = dmbar_groups,
};
module_pci_driver(dmbar_driver);

LAB_IMPORT_NS(DMA_BUF);
MODULE_DESCRIPTION("PCI device memory as dma-bufs");
MODULE_LICENSE("GPL");
